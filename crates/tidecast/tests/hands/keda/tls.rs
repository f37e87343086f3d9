//! Who is answered, and with which certificates (S11).

use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use serde_json::json;
use tempfile::TempDir;

use super::{Foreign, config};
use crate::served::{Served, free_port, write_demand};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for localhost and its key, into `NAME.crt` and `NAME.key`.
    fn certify(&self, folder: &Path, name: &str, until: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.crt")), certificate.pem()).unwrap();
    }

    fn publish(&self, folder: &Path, name: &str) {
        std::fs::write(folder.join(name), self.0.pem()).unwrap();
    }
}

fn client(folder: &TempDir, port: u16, files: &[&str]) -> Option<Foreign> {
    let files: Vec<_> = files.iter().map(|file| folder.path().join(file).display().to_string()).collect();
    Foreign::start(port, &files.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // S11
async fn answers_only_whom_it_knows_and_follows_its_files() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    write_demand(folder.path());
    let (first, second) = (Authority::new(), Authority::new());
    first.publish(folder.path(), "first.crt");
    second.publish(folder.path(), "second.crt");
    first.publish(folder.path(), "trusted.crt");
    first.certify(folder.path(), "tls", 2100);
    first.certify(folder.path(), "keda", 2100);
    first.certify(folder.path(), "expired", 2020);
    second.certify(folder.path(), "stranger", 2100);
    let tls = "tls: { certFile: tls.crt, key: { file: tls.key }, clientCaFile: trusted.crt }";
    let served =
        Served::start(folder, &config(&format!("keda: {{ listen: '127.0.0.1:{port}', {tls} }}\n"))).await;
    let asked = json!({ "workload": "shop/young" });

    let Some(mut keda) = client(&served.folder, port, &["first.crt", "keda.crt", "keda.key"]) else { return };
    let told = keda.call("IsActive", &asked);
    assert_eq!(told["ok"]["result"], false, "{told}");
    let refused: [&[&str]; 4] = [
        &[],
        &["first.crt"],
        &["first.crt", "stranger.crt", "stranger.key"],
        &["first.crt", "expired.crt", "expired.key"],
    ];
    for files in refused {
        let told = client(&served.folder, port, files).unwrap().call("IsActive", &asked);
        assert_eq!(told["code"], "UNAVAILABLE", "{files:?}: {told}");
    }

    std::fs::write(served.folder.path().join("tls.crt"), "half a cert").unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let told = client(&served.folder, port, &["first.crt", "keda.crt", "keda.key"])
        .unwrap()
        .call("IsActive", &asked);
    assert_eq!(told["ok"]["result"], false, "what makes no sense never replaces what does: {told}");

    second.certify(served.folder.path(), "tls", 2100);
    second.publish(served.folder.path(), "trusted.crt");
    tokio::time::sleep(Duration::from_secs(6)).await;
    let renewed = &["second.crt", "stranger.crt", "stranger.key"];
    let told = client(&served.folder, port, renewed).unwrap().call("IsActive", &asked);
    assert_eq!(told["ok"]["result"], false, "{told}");
    let old = client(&served.folder, port, &["first.crt", "keda.crt", "keda.key"])
        .unwrap()
        .call("IsActive", &asked);
    assert_eq!(old["code"], "UNAVAILABLE", "{old}");
    assert_eq!(keda.call("IsActive", &asked)["ok"]["result"], false, "a connection that stands goes on");
    served.stop().await;
}
