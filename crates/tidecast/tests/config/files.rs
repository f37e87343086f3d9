//! Files as they come: too large, in another encoding, as a bomb, as a loop, several at once.

use std::io::Write;
use std::path::{Path, PathBuf};

use tidecast::config::{FILE_BYTES_MAX, Loaded, Look, human, load};

const GOOD: &str = "\
sources:
  main: { type: prometheus, url: 'http://127.0.0.1:9090' }
workloads:
  - name: shop/checkout
    target: { type: none }
    demand: { source: main, query: sum(sessions) }
    maxReplicas: 20
";

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, content)| std::fs::write(folder.path(name), content).unwrap());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, names: &[&str]) -> Loaded {
        load(&names.iter().map(|name| self.path(name)).collect::<Vec<_>>())
    }
}

/// The code and the position of each finding, without the temporary folder.
fn told(folder: &Folder, loaded: &Loaded) -> Vec<String> {
    let report = &loaded.report;
    let place = |place| report.texts.say(place).replace(&format!("{}/", folder.0.path().display()), "");
    let say = |finding: &tidecast::config::Finding| {
        format!("{} {}", finding.code, finding.place.map_or("-".into(), place))
    };
    report.findings.iter().map(say).collect()
}

#[track_caller]
fn check(content: &[u8], expected: &[&str]) -> Loaded {
    let folder = Folder::with(&[("tidecast.yaml", content)]);
    let loaded = folder.load(&["tidecast.yaml"]);
    assert_eq!(told(&folder, &loaded), expected, "{}", human(&loaded.report, Look::Plain));
    assert_eq!(loaded.config.is_some(), expected.is_empty());
    loaded
}

#[test]
fn takes_byte_order_marks_and_windows_line_ends() {
    check(format!("\u{feff}{GOOD}").as_bytes(), &[]);
    check(GOOD.replace('\n', "\r\n").as_bytes(), &[]);
    let wrong = format!("\u{feff}{}", GOOD.replace("maxReplicas", "maxReplica").replace('\n', "\r\n"));
    check(wrong.as_bytes(), &["TIDE0103 tidecast.yaml:7:5"]);
}

#[test]
fn takes_json() {
    let json = r#"{"sources":{"main":{"type":"push"}},"workloads":[{"name":"a","target":{"type":"none"},"demand":{"source":"main"},"maxReplicas":2}]}"#;
    check(json.as_bytes(), &[]);
}

#[test]
fn refuses_other_encodings() {
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(GOOD.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    check(&utf16, &["TIDE0130 -"]);
    check(&utf16[2..], &["TIDE0130 -"]);
    let latin1 = [GOOD.as_bytes(), b"# gr\xfc\xdfe\n"].concat();
    let loaded = check(&latin1, &["TIDE0130 -"]);
    assert!(loaded.report.findings[0].message.ends_with("line 8 holds bytes that are none"));
}

#[test]
fn refuses_tabs() {
    check(b"server:\n\tlisten: 127.0.0.1:8080\n", &["TIDE0131 tidecast.yaml:2:1"]);
}

#[test] // S16
fn refuses_bombs_before_they_unfold() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    let loaded = check(bomb.as_bytes(), &["TIDE0132 tidecast.yaml:6:10"]);
    assert!(loaded.report.findings[0].message.contains("100000"));
    check("[".repeat(100_000).as_bytes(), &["TIDE0132 tidecast.yaml:1:256"]);
    let deep: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    check(deep.as_bytes(), &["TIDE0132 tidecast.yaml:33:33"]);
}

#[test]
fn stops_reading_large_files() {
    let folder = Folder::with(&[]);
    let file = std::fs::File::create(folder.path("tidecast.yaml")).unwrap();
    file.set_len(100 << 20).unwrap();
    let loaded = folder.load(&["tidecast.yaml"]);
    assert_eq!(told(&folder, &loaded), ["TIDE0129 -"]);
    assert!(loaded.report.findings[0].message.ends_with("it has more than 16 MiB"));

    let comment = |bytes: u64| format!("{GOOD}#{}", " ".repeat(bytes as usize - GOOD.len() - 1));
    check(comment(FILE_BYTES_MAX).as_bytes(), &[]);
    check(comment(FILE_BYTES_MAX + 1).as_bytes(), &["TIDE0129 -"]);
}

#[test]
fn names_what_cannot_be_read() {
    let folder = Folder::with(&[]);
    std::os::unix::fs::symlink(folder.path("loop.yaml"), folder.path("loop.yaml")).unwrap();
    let loaded = folder.load(&["loop.yaml"]);
    assert!(loaded.report.findings[0].message.ends_with("it is a symbolic link that leads back to itself"));
    let loaded = folder.load(&["absent.yaml"]);
    assert!(
        loaded.report.findings[0].message.ends_with("absent.yaml cannot be read: no such file or directory")
    );
    std::fs::create_dir(folder.path("empty")).unwrap();
    let loaded = folder.load(&["empty"]);
    assert!(loaded.report.findings[0].message.contains("no file in it ends in .yaml"));
    assert!(load(&["/dev/zero".into()]).report.findings[0].message.contains("not a plain file"));
}

#[test]
fn says_that_nothing_is_there() {
    for nothing in ["", "# nothing yet\n", "---\n", "null\n", "workloads:\n"] {
        let folder = Folder::with(&[("tidecast.yaml", nothing.as_bytes())]);
        let loaded = folder.load(&["tidecast.yaml"]);
        assert_eq!(told(&folder, &loaded), ["TIDE0201 -"], "{nothing:?}");
    }
    check(b"- a\n- b\n", &["TIDE0108 tidecast.yaml:1:1"]);
    check(b"just a word\n", &["TIDE0108 tidecast.yaml:1:1"]);
}

#[test]
fn takes_the_files_of_a_folder_together() {
    let (sources, workloads) = GOOD.split_at(GOOD.find("workloads").unwrap());
    let more = workloads.replace("shop/checkout", "shop/search");
    let folder = Folder::with(&[
        ("a.yaml", sources.as_bytes()),
        ("b.yml", workloads.as_bytes()),
        ("c.json", more.as_bytes()),
        ("tidecast.schema.json", b"{}"),
        (".hidden.yaml", b"broken: ["),
        ("notes.txt", b"broken: ["),
    ]);
    let loaded = folder.load(&[""]);
    assert_eq!(told(&folder, &loaded), [""; 0]);
    assert_eq!(loaded.config.unwrap().workloads.len(), 2);
}

#[test]
fn names_both_places_of_what_stands_in_two_files() {
    let with_limits = format!("{GOOD}limits: {{ fleetMax: 100 }}\n");
    let folder = Folder::with(&[("a.yaml", with_limits.as_bytes()), ("b.yaml", with_limits.as_bytes())]);
    let loaded = folder.load(&["a.yaml", "b.yaml"]);
    assert_eq!(
        told(&folder, &loaded),
        ["TIDE0117 b.yaml:2:3", "TIDE0115 b.yaml:4:11", "TIDE0117 b.yaml:8:1"]
    );
    let both = |finding: &tidecast::config::Finding| {
        loaded.report.texts.of(finding.also[0].0).name.ends_with("a.yaml")
    };
    assert!(loaded.report.findings.iter().all(both));
    let shown = human(&loaded.report, Look::Plain);
    assert!(shown.contains("b.yaml:4:11") && shown.contains("a.yaml:4:11"), "{shown}");
}

#[test]
fn does_not_call_missing_what_stands_in_a_broken_file() {
    let (sources, workloads) = GOOD.split_at(GOOD.find("workloads").unwrap());
    let broken = format!("{sources}oops: [\n");
    let folder = Folder::with(&[("a.yaml", broken.as_bytes()), ("b.yaml", workloads.as_bytes())]);
    assert_eq!(told(&folder, &folder.load(&["a.yaml", "b.yaml"])), ["TIDE0102 a.yaml:3:7"]);
}

#[test] // S7
fn keeps_secrets_in_their_folder() {
    let with = |secret: &str| GOOD.replace(", url:", &format!(", bearerToken: {{ file: {secret} }}, url:"));
    let folder = Folder::with(&[("tidecast.yaml", with("token").as_bytes()), ("token", b"s")]);
    assert_eq!(told(&folder, &folder.load(&["tidecast.yaml"])), [""; 0]);
    for (secret, code) in
        [("tokn", "TIDE0223"), ("../../etc/passwd", "TIDE0122"), ("/etc/passwd", "TIDE0122")]
    {
        std::fs::write(folder.path("tidecast.yaml"), with(secret)).unwrap();
        let loaded = folder.load(&["tidecast.yaml"]);
        assert_eq!(told(&folder, &loaded), [format!("{code} tidecast.yaml:2:50")]);
        assert_eq!(loaded.config.is_none(), code == "TIDE0122");
    }
    let elsewhere = format!("secretsDir: /etc\n{}", with("/etc/passwd"));
    std::fs::write(folder.path("tidecast.yaml"), elsewhere).unwrap();
    assert_eq!(told(&folder, &folder.load(&["tidecast.yaml"])), [""; 0]);
}

#[test]
fn reads_ten_thousand_workloads() {
    let folder = Folder::with(&[]);
    let mut file = std::fs::File::create(folder.path("tidecast.yaml")).unwrap();
    let (head, workload) = GOOD.split_at(GOOD.find("  - name").unwrap());
    write!(file, "{head}").unwrap();
    for number in 0..10_000 {
        write!(file, "{}", workload.replace("checkout", &format!("checkout-{number}"))).unwrap();
    }
    let loaded = folder.load(&["tidecast.yaml"]);
    assert_eq!(loaded.config.map(|config| config.workloads.len()), Some(10_000));
}

#[test]
fn never_panics_on_a_mutilated_file() {
    let whole = tidecast::config::starter();
    for at in (0..whole.len()).step_by(17) {
        for patch in
            ["", ":", "[", "{", "\t", "'", "&a", "*a", "<<: ", "\u{0}", "\n- ", "ü", "999999999999999999999"]
        {
            let text = format!("{}{patch}{}", &whole[..at], &whole[(at + 3).min(whole.len())..]);
            let texts =
                tidecast::config::Texts(vec![tidecast::config::Text { name: "t".into(), content: text }]);
            let loaded = tidecast::config::read(texts, Vec::new(), Path::new("."));
            let _ = human(&loaded.report, Look::Plain);
            let _ = tidecast::config::json(&loaded.report);
        }
    }
}
