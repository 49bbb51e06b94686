//! Where the lake is.

use std::path::Path as FilePath;
use std::sync::{Arc, Once};

use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreFactory, ObjectStoreRef, StorageConfig, default_logstore,
    logstore_factories, object_store_factories,
};
use deltalake::{DeltaResult, ensure_table_uri};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
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

    /// The part of it that is open to the service alone: a prefix of its own.
    #[must_use]
    pub fn restricted(&self) -> Self {
        Self {
            root: format!("{}/restricted", self.root),
        }
    }

    /// Where it is, as it was given.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The address of a table; a folder is made when there is none.
    pub(crate) fn url(&self, table: &Table) -> Result<Url, LakeError> {
        self.folder(table.name)
    }

    /// The address of what has a name; a folder is made when there is none.
    pub(crate) fn folder(&self, name: &str) -> Result<Url, LakeError> {
        let place = self.place(name);
        // Made here, because deltalake tells of a failure over several lines.
        if is_folder(&place) {
            let made = std::fs::create_dir_all(&place);
            made.map_err(|source| LakeError::Folder(place.clone(), source))?;
        }
        address(place)
    }

    /// The address of a table; none where there is no folder for it, and none is made.
    pub(crate) fn url_if_any(&self, table: &Table) -> Result<Option<Url>, LakeError> {
        let place = self.place(table.name);
        if is_folder(&place) && !FilePath::new(&place).is_dir() {
            return Ok(None);
        }
        address(place).map(Some)
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.root)
    }
}

/// Whether it is a path that we can look at; deltalake expands `~` itself.
pub(crate) fn is_folder(place: &str) -> bool {
    Url::parse(place).is_err() && !place.starts_with('~')
}

fn address(place: String) -> Result<Url, LakeError> {
    know_buckets();
    ensure_table_uri(&place).map_err(|source| LakeError::Location(place, source))
}

/// Makes deltalake know `s3://`, by the same client and the same environment as the attachments have.
/// Its own crate for S3 brings AWS's SDK and a lock table, which a store with conditional writes does not
/// need.
fn know_buckets() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let scheme = Url::parse("s3://").expect("a scheme is an address");
        object_store_factories().insert(scheme.clone(), Arc::new(Buckets));
        logstore_factories().insert(scheme, Arc::new(Buckets));
    });
}

/// Buckets of S3. The credentials, region and endpoint come from where AWS's own tools take them.
struct Buckets;

impl ObjectStoreFactory for Buckets {
    fn parse_url_opts(
        &self,
        url: &Url,
        _config: &StorageConfig,
    ) -> DeltaResult<(ObjectStoreRef, Path)> {
        let bucket = AmazonS3Builder::from_env().with_url(url.as_str());
        Ok((Arc::new(bucket.build()?), Path::from_url_path(url.path())?))
    }
}

impl LogStoreFactory for Buckets {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(
            prefixed_store,
            root_store,
            location,
            options,
        ))
    }
}
