use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// Who vouches for the server and for the people that show certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        // Whoever was first has installed the same.
        _ = rustls::crypto::ring::default_provider().install_default();
        let mut params = CertificateParams::new(Vec::new()).expect("no names, no mistakes");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "kubernetes");
        Self(CertifiedIssuer::self_signed(params, key()).expect("an authority signs itself"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a person: as DER, as PEM, and its key.
    pub(crate) fn client(&self, name: &str) -> (Vec<u8>, String, String) {
        let key = key();
        let mut params = CertificateParams::new(Vec::new()).expect("no names, no mistakes");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.0).expect("the authority signs");
        (certificate.der().to_vec(), certificate.pem(), key.serialize_pem())
    }

    /// What the server shows and asks for: a certificate is welcome, not required.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        let key = key();
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(names).expect("good names");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.0).expect("the authority signs");
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("our own certificate is one");
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated();
        let secret = PrivateKeyDer::try_from(key.serialize_der()).expect("our own key is one");
        let mut config = ServerConfig::builder()
            .with_client_cert_verifier(verifier.build().expect("there are roots"))
            .with_single_cert(vec![certificate.der().clone()], secret)
            .expect("key and certificate belong together");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the machine has chance to draw")
}
