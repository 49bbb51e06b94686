//! Files beside the tables that the processes of one run share: whoever runs writes them, the others read them, and none
//! outlives the run for long.

use datafusion::execution::runtime_env::RuntimeEnv;
use deltalake::logstore::{LogStoreRef, StorageConfig, logstore_for};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use crate::location::is_folder;
use crate::{Lake, LakeError};

/// What errors call it.
const NAME: &str = "shared";

impl Lake {
    /// Makes the lake's store known to whoever reads files by their addresses.
    pub fn know_store(&self, runtime: &RuntimeEnv) -> Result<(), LakeError> {
        // The local disk is known everywhere, and no folder is made.
        if is_folder(self.root()) {
            return Ok(());
        }
        let store = self.store()?;
        runtime.register_object_store(store.root_url(), store.root_object_store(None));
        Ok(())
    }

    /// Writes a file that processes of one run share.
    pub async fn write_shared(&self, name: &str, bytes: Vec<u8>) -> Result<(), LakeError> {
        let store = self.store()?.object_store(None);
        let written = store.put(&Path::from(name), bytes.into()).await;
        written.map(drop).map_err(fault("written"))
    }

    /// Reads it.
    pub async fn read_shared(&self, name: &str) -> Result<Vec<u8>, LakeError> {
        let store = self.store()?.object_store(None);
        let found = store.get(&Path::from(name)).await.map_err(fault("read"))?;
        let bytes = found.bytes().await.map_err(fault("read"))?;
        Ok(bytes.to_vec())
    }

    /// Removes all of them.
    pub async fn remove_shared(&self) -> Result<(), LakeError> {
        let store = self.store()?.object_store(None);
        let files = store.list(None).map_ok(|file| file.location).boxed();
        let removed = store.delete_stream(files).try_collect::<Vec<_>>().await;
        removed.map(drop).map_err(fault("removed"))
    }

    /// Where they are: with what the service alone reads.
    fn store(&self) -> Result<LogStoreRef, LakeError> {
        let url = self.restricted().folder(NAME)?;
        logstore_for(&url, StorageConfig::default()).map_err(LakeError::of(NAME, "opened"))
    }
}

fn fault(what: &'static str) -> impl FnOnce(object_store::Error) -> LakeError {
    move |error| LakeError::of(NAME, what)(error.into())
}
