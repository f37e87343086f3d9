//! Where fitted models lie between two forecasts: on the disk, for in memory a hundred of them would need gigabytes.
//!
//! A file holds the history that a model has taken in and the tape that it left, so that it goes on in the time of a
//! forecast and not of a fit, after a restart too. It is no truth: what cannot be read, or was made for something else, is
//! as good as absent, and the model is fitted anew.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tidecast_forecast::{Grid, Series};

use super::history::packed;
use crate::trouble::Trouble;

/// A folder of fitted models, a file each.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    room: AtomicU64,
    taken: AtomicU64,
}

/// A fitted model as it lies on the shelf.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelved {
    /// What it is.
    pub label: Label,
    /// What it has taken in so far.
    pub history: Series,
    /// What it has learned, by [`tidecast_forecast::Model::resume`].
    pub tape: Vec<f64>,
}

/// What stands on a fitted model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// The series that it forecasts.
    pub series: String,
    /// What it was made for: a digest of the model, the zone and whatever else must be the same.
    pub purpose: String,
    /// The model that speaks.
    pub model: String,
    /// For whom it stands in, and why.
    pub fallback: Option<String>,
    /// When it was fitted.
    pub fitted: Timestamp,
}

/// The label and the axis of the history, as a file begins.
#[derive(Serialize, Deserialize)]
struct Head {
    label: Label,
    grid: Grid,
}

/// What each file begins with; another format has another one.
const MARK: &[u8; 8] = b"tidemdl2";

impl Shelf {
    /// The shelf in a folder, made if it does not exist, with room for so many bytes.
    ///
    /// # Errors
    /// [`Trouble`] when the folder cannot be had.
    pub fn open(folder: &Path, room: u64) -> Result<Self, Trouble> {
        std::fs::create_dir_all(folder).map_err(|error| broken(folder, error))?;
        let files = std::fs::read_dir(folder).map_err(|error| broken(folder, error))?;
        let sizes = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
        Ok(Self { folder: folder.to_owned(), room: room.into(), taken: AtomicU64::new(sizes.sum()) })
    }

    /// The model of a series, if one lies here that was made for this purpose.
    pub fn take(&self, series: &str, purpose: &str) -> Option<Shelved> {
        let shelved = read(&std::fs::read(self.file(series)).ok()?)?;
        let fits = shelved.label.series == series && shelved.label.purpose == purpose;
        fits.then_some(shelved)
    }

    /// Gives it room for so many bytes from now on. What lies there stays.
    pub fn set_room(&self, room: u64) {
        self.room.store(room, Ordering::Relaxed);
    }

    /// Puts a model there, in place of the one of the same series.
    ///
    /// # Errors
    /// [`Trouble::Full`] when there is no room for it, another one when it cannot be written.
    pub fn put(&self, shelved: Shelved) -> Result<(), Trouble> {
        let (file, parts) = (self.file(&shelved.label.series), written(shelved));
        let before = std::fs::metadata(&file).map_or(0, |file| file.len());
        let (taken, more) = (self.taken.load(Ordering::Relaxed), size(&parts));
        if (taken + more).saturating_sub(before) > self.room.load(Ordering::Relaxed) {
            return Err(Trouble::Full { who: name(&self.folder) });
        }
        let draft = file.with_extension("draft");
        write_all(&draft, &parts)
            .and_then(|()| std::fs::rename(&draft, &file))
            .map_err(|error| broken(&self.folder, error))?;
        self.taken.fetch_add(more, Ordering::Relaxed);
        self.taken.fetch_sub(before.min(taken), Ordering::Relaxed);
        Ok(())
    }

    /// Takes away what is not one of these series any more.
    ///
    /// # Errors
    /// [`Trouble`] when the folder cannot be read.
    pub fn keep_only<'a>(&self, series: impl IntoIterator<Item = &'a str>) -> Result<usize, Trouble> {
        let kept: std::collections::BTreeSet<PathBuf> =
            series.into_iter().map(|one| self.file(one)).collect();
        let files = std::fs::read_dir(&self.folder).map_err(|error| broken(&self.folder, error))?;
        let mut gone = 0;
        for file in files.filter_map(Result::ok).filter(|file| !kept.contains(&file.path())) {
            let size = file.metadata().map_or(0, |file| file.len());
            if std::fs::remove_file(file.path()).is_ok() {
                gone += 1;
                self.taken.fetch_sub(size.min(self.taken.load(Ordering::Relaxed)), Ordering::Relaxed);
            }
        }
        Ok(gone)
    }

    fn file(&self, series: &str) -> PathBuf {
        self.folder.join(format!("{}.model", &hex(&Sha256::digest(series))[..32]))
    }
}

/// A digest of whatever must be the same, as text.
pub fn purpose(of: &impl std::fmt::Debug) -> String {
    let mut hash = Hashing(Sha256::new());
    write!(hash, "{} {of:?}", env!("CARGO_PKG_VERSION")).expect("hashing cannot fail");
    hex(&hash.0.finalize())
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The mark, a checksum of the rest, and the rest: head, values and tape, each behind its length. Megabytes that are no
/// longer needed are dropped on the way.
fn written(shelved: Shelved) -> Vec<Vec<u8>> {
    let Shelved { label, history, tape } = shelved;
    let head = Head { label, grid: history.grid() };
    let head = serde_json::to_vec(&head).expect("a label is text and times");
    let values = packed::pack_f64(history.values());
    let packed = packed::pack_f64(&tape);
    drop(tape);
    let rest = [head, values, packed].into_iter();
    let mut parts: Vec<_> =
        rest.flat_map(|part| [(part.len() as u64).to_le_bytes().to_vec(), part]).collect();
    let mut checksum = crc32fast::Hasher::new();
    parts.iter().for_each(|part| checksum.update(part));
    parts.insert(0, [MARK.as_slice(), &checksum.finalize().to_le_bytes()].concat());
    parts
}

fn size(parts: &[Vec<u8>]) -> u64 {
    parts.iter().map(|part| part.len() as u64).sum()
}

fn write_all(path: &Path, parts: &[Vec<u8>]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))
}

fn read(bytes: &[u8]) -> Option<Shelved> {
    let rest = bytes.strip_prefix(MARK)?;
    let (checksum, mut rest) = rest.split_first_chunk()?;
    if u32::from_le_bytes(*checksum) != crc32fast::hash(rest) {
        return None;
    }
    let mut part = || {
        let (len, after) = rest.split_first_chunk()?;
        let (part, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
        rest = after;
        Some(part)
    };
    let (head, values, tape) = (part()?, part()?, part()?);
    let Head { label, grid } = serde_json::from_slice(head).ok()?;
    let (values, tape) = (packed::unpack_f64(values).ok()?, packed::unpack_f64(tape).ok()?);
    let sound = grid.step_s > 0 && grid.len == values.len();
    let sound = sound && values.iter().all(|value| value.is_nan() || (value.is_finite() && *value >= 0.0));
    sound.then(|| Shelved { label, history: Series::new(grid, values), tape })
}

fn name(folder: &Path) -> String {
    format!("the models in {}", folder.display())
}

fn broken(folder: &Path, why: impl ToString) -> Trouble {
    Trouble::Broken { who: name(folder), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelved(series: &str) -> Shelved {
        let start = "2026-03-01T00:00:00Z".parse().unwrap();
        let values = (0..4_000).map(|i| if i == 7 { f64::NAN } else { f64::from(i % 97) }).collect();
        let label = Label {
            series: series.into(),
            purpose: purpose(&("ensemble", "Europe/Berlin")),
            model: "ensemble".into(),
            fallback: None,
            fitted: start,
        };
        let tape = (0..5_000).map(|i| f64::from(i).sqrt()).collect();
        Shelved { label, history: Series::new(Grid::new(start, 300, 4_000), values), tape }
    }

    fn taken(shelf: &Shelf, series: &str) -> Option<(Label, Vec<u64>, Vec<f64>)> {
        let bits = |series: &Series| series.values().iter().map(|value| value.to_bits()).collect();
        shelf
            .take(series, &purpose(&("ensemble", "Europe/Berlin")))
            .map(|it| (it.label, bits(&it.history), it.tape))
    }

    #[test] // S3.4
    fn gives_back_what_was_put_and_only_for_the_same_purpose() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path(), 1 << 30).unwrap();
        shelf.put(shelved("shop")).unwrap();
        shelf.put(shelved("media")).unwrap();
        let (label, values, tape) = taken(&shelf, "shop").unwrap();
        let put = shelved("shop");
        assert_eq!((label, tape), (put.label, put.tape));
        assert_eq!(values, put.history.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>());
        assert!(shelf.take("shop", &purpose(&("ensemble", "UTC"))).is_none());
        assert!(taken(&shelf, "batch").is_none());
        assert_eq!(shelf.keep_only(["shop"]).unwrap(), 1);
        assert!(taken(&shelf, "shop").is_some() && taken(&shelf, "media").is_none());
    }

    #[test] // F32
    fn takes_a_damaged_file_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path(), 1 << 30).unwrap();
        shelf.put(shelved("shop")).unwrap();
        let (file, sound) = (shelf.file("shop"), std::fs::read(shelf.file("shop")).unwrap());
        for at in (0..sound.len()).step_by(sound.len() / 50) {
            let mut bytes = sound.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&file, bytes).unwrap();
            assert!(taken(&shelf, "shop").is_none(), "byte {at} was changed");
            std::fs::write(&file, &sound[..at]).unwrap();
            assert!(taken(&shelf, "shop").is_none(), "cut off at {at}");
        }
    }

    #[test] // F33
    fn takes_no_more_room_than_it_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let size = size(&written(shelved("shop")));
        let shelf = Shelf::open(folder.path(), 2 * size + size / 2).unwrap();
        for _ in 0..5 {
            shelf.put(shelved("shop")).unwrap();
            shelf.put(shelved("media")).unwrap();
        }
        assert_eq!(shelf.put(shelved("batch")).unwrap_err().kind(), "full");
        let again = Shelf::open(folder.path(), 2 * size + size / 2).unwrap();
        assert_eq!(again.put(shelved("batch")).unwrap_err().kind(), "full");
        again.keep_only(["shop", "batch"]).unwrap();
        again.put(shelved("batch")).unwrap();
    }
}
