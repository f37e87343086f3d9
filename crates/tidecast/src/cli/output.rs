//! Files that commands write: plain, or gzip where the name says so.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::exit::Stop;

/// Writes a file as `content` says; gzip when its name ends in `.gz`. The same content makes the same bytes.
pub(crate) fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Stop> {
    put(path, content).map_err(|why| Stop::unusable(format!("{} cannot be written: {why}", path.display())))
}

fn put(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let file = BufWriter::new(File::create(path)?);
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut packed = GzEncoder::new(file, Compression::default());
        content(&mut packed)?;
        packed.finish()?.flush()
    } else {
        let mut plain = file;
        content(&mut plain)?;
        plain.flush()
    }
}

/// Where the output for one of several inputs goes: `{file}` and `{name}` in the pattern stand for the input's
/// stem and for the model or policy.
pub(crate) fn place(pattern: &Path, file: &Path, name: &str) -> PathBuf {
    let pattern = pattern.to_string_lossy();
    PathBuf::from(pattern.replace("{file}", &stem(file)).replace("{name}", name))
}

/// Whether a pattern gives each of so many inputs and names a place of its own.
pub(crate) fn check_pattern(pattern: &Path, files: usize, names: usize, flag: &str) -> Result<(), Stop> {
    let text = pattern.to_string_lossy();
    let lacks =
        [(files, "{file}"), (names, "{name}")].into_iter().find(|(n, mark)| *n > 1 && !text.contains(mark));
    lacks.map_or(Ok(()), |(n, mark)| {
        Err(Stop::unusable(format!("{flag} {text} would be written {n} times over"))
            .help(format!("put {mark} into the name, for example {flag} out/{{file}}.{{name}}.csv.gz")))
    })
}

/// A file's name without its folder and without `.csv` and `.gz`.
pub(crate) fn stem(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let name = name.strip_suffix(".csv").unwrap_or(name);
    if name == "-" { "stdin".into() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_input_a_place_of_its_own() {
        let pattern = Path::new("out/{file}.{name}.csv.gz");
        let place = place(pattern, Path::new("data/shop_1h.csv.gz"), "last_week");
        assert_eq!(place, Path::new("out/shop_1h.last_week.csv.gz"));
        assert!(check_pattern(pattern, 2, 3, "--emit").is_ok());
        assert!(check_pattern(Path::new("out.csv"), 1, 1, "--emit").is_ok());
        assert!(check_pattern(Path::new("out.csv"), 2, 1, "--emit").is_err());
    }
}
