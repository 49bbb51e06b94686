//! Where the lake is.

use deltalake::ensure_table_uri;
use schemas::tables::Table;
use url::Url;

use crate::LakeError;

/// A folder or an address of object storage, under which each table has a folder of its name.
#[derive(Clone, Debug)]
pub struct Lake {
    root: String,
}

impl Lake {
    /// The lake at a path (`./var/lake`) or an address (`s3://bucket/prefix`).
    #[must_use]
    pub fn at(root: &str) -> Self {
        Self {
            root: root.trim_end_matches('/').to_owned(),
        }
    }

    /// The address of a table; a folder is made when there is none.
    pub(crate) fn url(&self, table: &Table) -> Result<Url, LakeError> {
        let place = format!("{}/{}", self.root, table.name);
        // Made here, because deltalake tells of a failure over several lines. It expands `~` itself.
        if Url::parse(&place).is_err() && !place.starts_with('~') {
            let made = std::fs::create_dir_all(&place);
            made.map_err(|source| LakeError::Folder(place.clone(), source))?;
        }
        ensure_table_uri(&place).map_err(|source| LakeError::Location(place, source))
    }
}
