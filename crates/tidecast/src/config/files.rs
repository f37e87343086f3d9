//! Files and folders into texts, under limits: what is read is UTF-8, and never more than a machine can bear.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::codes::Code;
use super::finding::Finding;
use super::text::{Text, Texts};

/// The most bytes of one file.
pub const FILE_BYTES_MAX: u64 = 16 << 20;
/// The most bytes of all files together.
pub const ALL_BYTES_MAX: u64 = 64 << 20;
/// The most files of a folder.
pub(crate) const FILES_MAX: usize = 1_000;

/// What was found under the given paths.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// The texts that could be read.
    pub texts: Texts,
    /// Why others could not.
    pub findings: Vec<Finding>,
    /// The folder of the configuration: relative paths in it begin there.
    pub folder: PathBuf,
}

/// Reads files, and folders as the files in them that end in `.yaml`, `.yml` or `.json`, in the order of their
/// names. `-` is standard input.
pub(crate) fn gather(paths: &[PathBuf]) -> Gathered {
    let mut gathered = Gathered {
        folder: paths.first().map_or(PathBuf::from("."), |path| folder_of(path)),
        ..<_>::default()
    };
    let mut left = ALL_BYTES_MAX;
    for path in paths {
        match files_of(path) {
            Ok(files) => files.iter().for_each(|file| gathered.add(file, &mut left)),
            Err(finding) => gathered.findings.push(*finding),
        }
    }
    gathered
}

impl Gathered {
    fn add(&mut self, path: &Path, left: &mut u64) {
        match read(path, *left) {
            Ok(content) => {
                *left = left.saturating_sub(content.len() as u64);
                self.texts.0.push(Text { name: shown(path), content });
            }
            Err(finding) => self.findings.push(*finding),
        }
    }
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}

fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(PathBuf::from("."), Path::to_owned)
}

pub(super) fn files_of(path: &Path) -> Result<Vec<PathBuf>, Box<Finding>> {
    if path == Path::new("-") || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|why| unreadable(path, &why.to_string()))?;
    // Mounted ConfigMaps hold hidden folders beside their files; nothing hidden is read.
    let wanted = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        !name.starts_with('.')
            && [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
            && !file.is_dir()
    };
    let schema = |file: &PathBuf| file.to_string_lossy().ends_with(".schema.json");
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|f| wanted(f) && !schema(f))
        .take(FILES_MAX + 1)
        .collect();
    files.sort();
    match files.len() {
        0 => Err(unreadable(path, "no file in it ends in .yaml, .yml or .json")),
        1..=FILES_MAX => Ok(files),
        _ => {
            let message = format!("{} holds more than {FILES_MAX} files", path.display());
            let help = "give the folder of the configuration, or its files one by one";
            Err(Box::new(Finding::new(Code::TOO_LARGE, message).help(help)))
        }
    }
}

fn read(path: &Path, left: u64) -> Result<String, Box<Finding>> {
    let bytes = bytes(path, left.min(FILE_BYTES_MAX))?;
    if bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || bytes.iter().take(64).any(|b| *b == 0)
    {
        return Err(not_utf8(path, "it is saved as UTF-16 or is not text at all"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(why) => {
            let good = &why.as_bytes()[..why.utf8_error().valid_up_to()];
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(not_utf8(path, &format!("line {line} holds bytes that are none")))
        }
    }
}

fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, Box<Finding>> {
    let trouble = |why: std::io::Error| unreadable(path, &why.to_string());
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(limit + 1).read_to_end(&mut bytes).map_err(trouble)?;
    } else {
        // Asked before it is opened, as opening a pipe would wait for its other end.
        if !std::fs::metadata(path).map_err(trouble)?.is_file() {
            return Err(unreadable(path, "it is not a plain file"));
        }
        std::fs::File::open(path)
            .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
            .map_err(trouble)?;
    }
    if bytes.len() as u64 <= limit { Ok(bytes) } else { Err(too_large(path, limit)) }
}

fn unreadable(path: &Path, why: &str) -> Box<Finding> {
    let why = match why.split_once(" (os error 40)") {
        Some(_) => "it is a symbolic link that leads back to itself",
        None => why.split(" (os error").next().unwrap_or(why),
    };
    let message = format!("{} cannot be read: {}", shown(path), lower(why));
    let help = "give the path of a file, or of a folder with .yaml files; `tidecast init` writes one";
    Box::new(Finding::new(Code::UNREADABLE, message).help(help))
}

fn lower(why: &str) -> String {
    let mut letters = why.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn too_large(path: &Path, limit: u64) -> Box<Finding> {
    let whose = if limit < FILE_BYTES_MAX { "all files together have" } else { "it has" };
    let most = if limit < FILE_BYTES_MAX { ALL_BYTES_MAX } else { FILE_BYTES_MAX };
    let message = format!("{} was not read: {whose} more than {} MiB", shown(path), most >> 20);
    let help = "give a configuration; ten thousand workloads have about six MiB";
    Box::new(Finding::new(Code::TOO_LARGE, message).help(help))
}

fn not_utf8(path: &Path, why: &str) -> Box<Finding> {
    let message = format!("{} is not UTF-8: {why}", shown(path));
    Box::new(Finding::new(Code::NOT_UTF8, message).help("save it as UTF-8"))
}
