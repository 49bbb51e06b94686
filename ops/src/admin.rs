//! The administrator's credential: made at the first start, shown once, kept in a file.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use service::Context;
use service::identity::{Action, Grant, NewCredential, Scope};
use service::pg::Pool;
use service::store::credentials;

/// What the list of credentials calls it.
const LABEL: &str = "administrator";

/// Key and secret, as the file has them. `Debug` hides the secret.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Admin {
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The file in the data folder.
pub(crate) fn file(data: &Path) -> PathBuf {
    data.join("admin-credential.json")
}

/// Makes the administrator's credential if this installation has none yet; `None` when it has.
pub(crate) async fn first(pool: &Pool, data: &Path) -> anyhow::Result<Option<Admin>> {
    let known = credentials::list(pool).await?;
    let path = file(data);
    let fresh = path.with_extension("json.new");
    // A start that was broken off between the database and the last name of the file.
    if let Some(unfinished) = read(&fresh)?
        && known.iter().any(|listed| listed.key == unfinished.key)
    {
        fs::rename(&fresh, &path).with_context(|| not_written(&path))?;
        return Ok(Some(unfinished));
    }
    if path.exists() || known.iter().any(|listed| listed.label == LABEL) {
        return Ok(None);
    }
    let new = NewCredential::random();
    let admin = Admin {
        key: new.key.clone(),
        secret: new.reveal_secret().to_owned(),
    };
    // Kept before it is worth anything, so that no credential is ever lost.
    write(&fresh, &admin).with_context(|| not_written(&fresh))?;
    credentials::insert(pool, &new, &Grant::of(&[Scope::All], LABEL)).await?;
    fs::rename(&fresh, &path).with_context(|| not_written(&path))?;
    Ok(Some(admin))
}

/// A credential to play the demo with: the administrator's of an earlier start, or, where that is
/// gone or belongs to another database, a new one.
pub(crate) async fn for_the_demo(context: &Context, data: &Path) -> anyhow::Result<Admin> {
    if let Some(kept) = read(&file(data))? {
        let known = context.credentials.check(&kept.key, &kept.secret).await?;
        if known.is_some_and(|caller| caller.may(Action::Administer)) {
            return Ok(kept);
        }
    }
    let new = NewCredential::random();
    credentials::insert(&context.pool, &new, &Grant::of(&[Scope::All], "demo")).await?;
    Ok(Admin {
        key: new.key.clone(),
        secret: new.reveal_secret().to_owned(),
    })
}

fn not_written(path: &Path) -> String {
    format!("{} is not writable", path.display())
}

fn read(path: &Path) -> anyhow::Result<Option<Admin>> {
    match fs::read(path) {
        Ok(bytes) => {
            Ok(Some(serde_json::from_slice(&bytes).with_context(|| {
                format!("{} is damaged", path.display())
            })?))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(anyhow::Error::from(error).context(format!("{} is not readable", path.display())))
        }
    }
}

fn write(path: &Path, admin: &Admin) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(serde_json::to_string_pretty(admin)?.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}
