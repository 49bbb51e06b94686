//! What every service is given at its start.

use std::time::Duration;

use crate::identity::Credentials;
use crate::pg::Pool;
use crate::store::{StoreError, installation};

/// The key of this installation, from which account keys and cursors are derived. `Debug` hides it.
#[derive(Clone)]
pub struct InstallationSecret([u8; 32]);

impl InstallationSecret {
    /// Wraps 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for an HMAC.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for InstallationSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InstallationSecret(hidden)")
    }
}

/// Pool, secret and credentials: cheap to clone, one per process.
#[derive(Clone, Debug)]
pub struct Context {
    /// Connections to the one database.
    pub pool: Pool,
    /// The key of this installation.
    pub secret: InstallationSecret,
    /// Who may call.
    pub credentials: Credentials,
}

impl Context {
    /// Reads (at the very first start: makes) the installation's secret. The migrations of
    /// `service` must have run. `credential_cache` is for how long a credential is remembered.
    pub async fn open(pool: Pool, credential_cache: Duration) -> Result<Self, StoreError> {
        let secret = installation::secret(&pool).await?;
        let credentials = Credentials::new(pool.clone(), credential_cache);
        Ok(Self {
            pool,
            secret,
            credentials,
        })
    }
}
