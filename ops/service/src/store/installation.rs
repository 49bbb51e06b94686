//! The one row of `service.installation`.

use rand::RngCore;

use super::StoreError;
use crate::context::InstallationSecret;
use crate::pg::Pool;

/// The installation's secret; made at the first call, by whichever process comes first.
pub async fn secret(pool: &Pool) -> Result<InstallationSecret, StoreError> {
    let mut fresh = [0_u8; 32];
    rand::rng().fill_bytes(&mut fresh);
    let client = pool.get().await?;
    client
        .execute(
            include_str!("sql/installation_insert.sql"),
            &[&fresh.as_slice()],
        )
        .await?;
    let row = client
        .query_one(include_str!("sql/installation_read.sql"), &[])
        .await?;
    let mut bytes = [0_u8; 32];
    // The table's check holds the length at 32.
    bytes.copy_from_slice(row.get::<_, &[u8]>(0));
    Ok(InstallationSecret::new(bytes))
}
