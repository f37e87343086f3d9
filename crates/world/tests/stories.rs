//! The stories of `scenarios/`: each is played with the production code, and what becomes of it is kept beside it.
//! `make bless` takes what becomes of them now; read the diff.

use std::path::{Path, PathBuf};

use tidecast_world::Story;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn stories() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder())
        .expect("the folder of stories")
        .map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

fn story(file: &Path) -> Story {
    let text = std::fs::read_to_string(file).expect("a story can be read");
    serde_saphyr::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
}

/// Plays the stories whose place among all of them leaves this rest, so that they are played side by side.
fn play(rest: usize) {
    let mut wrong = Vec::new();
    for file in stories().into_iter().skip(rest).step_by(4) {
        let told = story(&file).play();
        let golden = file.with_extension("golden");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &told.text).expect("a golden can be written");
        }
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        wrong.extend(told.broken.iter().map(|what| format!("{name}: {what}")));
        if std::fs::read_to_string(&golden).unwrap_or_default() != told.text {
            wrong.push(format!("{name} ends otherwise: run `make bless` and read the diff\n{}", told.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test] // B10
fn end_as_they_should_first_of_four() {
    play(0);
}

#[test] // B10
fn end_as_they_should_second_of_four() {
    play(1);
}

#[test] // B10
fn end_as_they_should_third_of_four() {
    play(2);
}

#[test] // B10
fn end_as_they_should_fourth_of_four() {
    play(3);
}

#[test]
fn tell_the_acceptance_scenarios() {
    let proven: Vec<String> = stories().iter().flat_map(|file| story(file).proves).collect();
    for id in ["A1", "A2", "A4", "A5", "A6", "A7", "A8", "A11", "A14", "A17", "A18"] {
        assert!(proven.iter().any(|proof| proof == id), "{id} has no story");
    }
}
