//! Numbers packed into bytes, by pco: columns of times and values shrink to a byte or two each.

use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress};

use crate::store::sealed::Fault;

pub(super) fn pack_i64(numbers: &[i64]) -> Vec<u8> {
    simple_compress(numbers, &ChunkConfig::default()).expect("the default settings of pco are valid")
}

pub(in crate::store) fn pack_f64(numbers: &[f64]) -> Vec<u8> {
    simple_compress(numbers, &ChunkConfig::default()).expect("the default settings of pco are valid")
}

pub(super) fn pack_f32(numbers: &[f32]) -> Vec<u8> {
    simple_compress(numbers, &ChunkConfig::default()).expect("the default settings of pco are valid")
}

pub(super) fn unpack_i64(bytes: &[u8]) -> Result<Vec<i64>, Fault> {
    simple_decompress(bytes).map_err(|error| Fault::Damaged(format!("packed times: {error}")))
}

pub(in crate::store) fn unpack_f64(bytes: &[u8]) -> Result<Vec<f64>, Fault> {
    simple_decompress(bytes).map_err(|error| Fault::Damaged(format!("packed values: {error}")))
}

pub(super) fn unpack_f32(bytes: &[u8]) -> Result<Vec<f32>, Fault> {
    simple_decompress(bytes).map_err(|error| Fault::Damaged(format!("packed values: {error}")))
}
