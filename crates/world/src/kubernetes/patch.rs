//! The three kinds of patches that say what to change; the fourth, apply, says what to have and lies in `apply`.

mod json;
mod merge;
mod strategic;

pub(crate) use json::patch_by_operations;
pub(crate) use merge::merge;
pub(crate) use strategic::merge_strategically;
