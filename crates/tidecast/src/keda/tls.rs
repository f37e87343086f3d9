use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use crate::config::section::KedaTls;
use crate::trouble::Trouble;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The largest file of certificates that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// How the server proves who it is, and whom it answers: by the files as they were when they last made sense.
pub(super) struct Certificates {
    section: KedaTls,
    folder: PathBuf,
    secrets: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("section", &self.section).finish_non_exhaustive()
    }
}

/// What the files hold.
struct Files {
    certificates: String,
    key: secrecy::SecretString,
    clients: Option<String>,
}

impl Certificates {
    /// Reads the files. Paths are relative to `folder`, that of the key to `secrets`.
    ///
    /// # Errors
    /// [`Trouble`] when a file cannot be read or is no such thing.
    pub(super) fn read(section: &KedaTls, folder: &Path, secrets: &Path) -> Result<Self, Trouble> {
        let config = config(&files(section, folder, secrets)?)?;
        let (section, folder, secrets) = (section.clone(), folder.to_owned(), secrets.to_owned());
        Ok(Self { section, folder, secrets, config: RwLock::new(Arc::new(config)) })
    }

    /// How the next connection is encrypted.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.config.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone().into()
    }

    /// Follows the files for as long as it is not dropped. What makes no sense never replaces what does (S11).
    pub(super) async fn follow(self: Arc<Self>) {
        let mut seen = self.digest();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.digest();
            if now != seen {
                seen = now;
                self.take();
            }
        }
    }

    fn digest(&self) -> Option<[u8; 32]> {
        let files = files(&self.section, &self.folder, &self.secrets).ok()?;
        let parts =
            [Some(files.certificates.as_str()), Some(files.key.expose_secret()), files.clients.as_deref()];
        let mut digest = Sha256::new();
        for part in parts.into_iter().flatten() {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Some(digest.finalize().into())
    }

    fn take(&self) {
        match files(&self.section, &self.folder, &self.secrets).and_then(|files| config(&files)) {
            Ok(config) => {
                *self.config.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(config);
                tracing::info!("the certificates that KEDA is shown were read anew");
            }
            Err(trouble) => tracing::error!("the certificates stay as they were: {trouble}"),
        }
    }
}

fn files(section: &KedaTls, folder: &Path, secrets: &Path) -> Result<Files, Trouble> {
    let key = section.key.read(secrets, |name| std::env::var(name).ok());
    Ok(Files {
        certificates: text(&folder.join(&section.cert_file.0))?,
        key: key.map_err(|why| unusable(why.to_string()))?,
        clients: section.client_ca_file.as_ref().map(|file| text(&folder.join(&file.0))).transpose()?,
    })
}

fn text(file: &Path) -> Result<String, Trouble> {
    use std::io::Read;
    let broken =
        |why: std::io::Error| Trouble::Broken { who: file.display().to_string(), why: why.to_string() };
    let mut text = String::new();
    let read =
        std::fs::File::open(file).and_then(|opened| opened.take(FILE_BYTES_MAX).read_to_string(&mut text));
    read.map(|_| text).map_err(broken)
}

fn config(files: &Files) -> Result<ServerConfig, Trouble> {
    let provider = Arc::new(default_provider());
    let failed = |why: rustls::Error| unusable(why.to_string());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
    let builder = match &files.clients {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem, "clientCaFile")? {
                roots.add(certificate).map_err(failed)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|why| unusable(why.to_string()))?)
        }
    };
    let key = PrivateKeyDer::from_pem_slice(files.key.expose_secret().as_bytes());
    let key = key.map_err(|_| unusable("the key is no private key in PEM".into()))?;
    let mut config =
        builder.with_single_cert(certificates(&files.certificates, "certFile")?, key).map_err(failed)?;
    config.alpn_protocols.push(b"h2".to_vec());
    Ok(config)
}

fn certificates(pem: &str, key: &str) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let none = || unusable(format!("`{key}` holds no certificate in PEM"));
    found.ok().filter(|found| !found.is_empty()).ok_or_else(none)
}

fn unusable(why: String) -> Trouble {
    Trouble::Unusable { who: "TLS of the server that KEDA asks".into(), why }
}
