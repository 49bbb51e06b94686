//! Contents in object storage: a folder of this machine, or a bucket.
//!
//! `sha256/ab/ab12…` is the content with that SHA-256, for ever. `incoming/` holds what arrives. A
//! bucket that answered has stored; a folder's files and their directory entries are synced by us,
//! since the crate does not.

use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

const INCOMING: &str = "incoming";
const PLACES: &str = "sha256";

/// What is gathered before it is written to a file.
const FILE_PART_BYTES: usize = 256 * 1024;

/// What is gathered before it is sent to a bucket: the least that S3 takes as a part.
const BUCKET_PART_BYTES: usize = 5 * 1024 * 1024;

/// What of an upload to a bucket may wait in memory for its end without asking: as much as of a file.
const SMALL_BYTES: usize = FILE_PART_BYTES;

/// Larger uploads to a bucket at the same time. Each has up to two parts in memory, one that is
/// gathered and one that is sent: 80 MB in all.
const LARGE_UPLOADS: usize = 8;

/// How long one more waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(10);

/// Files of a request that are synced at the same time.
const TOGETHER: usize = 8;

/// Object storage did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The address is none, or cannot be used.
    #[error("attachments.url: {0:?} is neither a folder nor s3://bucket/prefix")]
    Address(String, #[source] object_store::Error),
    /// The folder cannot be made.
    #[error("could not make the folder {0} of attachments")]
    Folder(String, #[source] std::io::Error),
    /// A file could not be made durable.
    #[error("could not sync an attachment")]
    Sync(#[source] std::io::Error),
    /// As many large uploads are under way as may be.
    #[error("too many large attachments are on their way to the bucket")]
    Busy,
    /// Anything that object storage says.
    #[error("object storage failed")]
    Storage(#[from] object_store::Error),
}

impl ObjectsError {
    /// Whether there is no such object.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Storage(object_store::Error::NotFound { .. }))
    }
}

/// The contents. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The folder, unless it is a bucket.
    folder: Option<Arc<FilePath>>,
    /// Whose turn it is, where it is a bucket.
    turns: Option<Turns>,
}

/// How many large uploads there may be at the same time. Cheap to clone.
#[derive(Clone, Debug)]
struct Turns {
    permits: Arc<Semaphore>,
    wait_max: Duration,
}

impl Turns {
    fn new(most: usize, wait_max: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(most)),
            wait_max,
        }
    }

    async fn take(&self) -> Result<OwnedSemaphorePermit, ObjectsError> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        match tokio::time::timeout(self.wait_max, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            // Nobody closes it.
            Ok(Err(_)) | Err(_) => Err(ObjectsError::Busy),
        }
    }
}

impl Objects {
    /// The contents under a folder, which is made, or under `s3://bucket/prefix`. The bucket's
    /// credentials and region come from where AWS's own tools take them.
    pub fn open(root: &str) -> Result<Self, ObjectsError> {
        match root.strip_prefix("s3://") {
            Some(place) => Self::bucket(root, place),
            None => Self::folder(FilePath::new(root)),
        }
    }

    fn bucket(root: &str, place: &str) -> Result<Self, ObjectsError> {
        let prefix = place.split_once('/').map_or("", |(_, prefix)| prefix);
        let bucket = AmazonS3Builder::from_env()
            .with_url(root)
            .build()
            .map_err(|error| ObjectsError::Address(root.to_owned(), error))?;
        Ok(Self {
            store: Arc::new(PrefixStore::new(bucket, prefix)),
            folder: None,
            turns: Some(Turns::new(LARGE_UPLOADS, TURN_MAX)),
        })
    }

    fn folder(root: &FilePath) -> Result<Self, ObjectsError> {
        let shown = || root.display().to_string();
        let is_new = !root.exists();
        let folder = std::fs::create_dir_all(root.join(INCOMING))
            .and_then(|()| std::fs::create_dir_all(root.join(PLACES)))
            .and_then(|()| root.canonicalize())
            .and_then(|folder| sync_folder(&folder).map(|()| folder))
            .and_then(|folder| match folder.parent().filter(|_| is_new) {
                Some(parent) => sync_folder(parent).map(|()| folder),
                None => Ok(folder),
            })
            .map_err(|error| ObjectsError::Folder(shown(), error))?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| ObjectsError::Address(shown(), error))?;
        Ok(Self {
            store: Arc::new(store),
            folder: Some(folder.into()),
            turns: None,
        })
    }

    /// A new temporary object.
    #[must_use]
    pub fn upload(&self) -> Upload {
        let temporary = Temporary {
            objects: self.clone(),
            path: Path::from_iter([INCOMING, &Uuid::new_v4().to_string()]),
            is_placed: false,
        };
        let part = if self.folder.is_some() {
            FILE_PART_BYTES
        } else {
            BUCKET_PART_BYTES
        };
        let store = Arc::clone(&self.store);
        let writer = BufWriter::with_capacity(store, temporary.path.clone(), part);
        Upload {
            writer: Some(writer.with_max_concurrency(1)),
            temporary: Some(temporary),
            bytes: 0,
            turns: self.turns.clone(),
            turn: None,
        }
    }

    /// Gives temporary objects their places; on `Ok` they are durable. What has a place already is
    /// replaced by the same bytes.
    pub async fn place(&self, arrived: Vec<([u8; 32], Temporary)>) -> Result<(), ObjectsError> {
        let places: Vec<Path> = stream::iter(arrived)
            .map(|(sha256, temporary)| self.place_one(sha256, temporary))
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await?;
        if let Some(folder) = self.folder.clone() {
            let folders: BTreeSet<PathBuf> = places
                .iter()
                .filter_map(|place| Some(folder.join(place.as_ref()).parent()?.to_owned()))
                .chain([folder.join(PLACES)])
                .collect();
            blocking(move || folders.iter().try_for_each(|folder| sync_folder(folder))).await?;
        }
        Ok(())
    }

    async fn place_one(
        &self,
        sha256: [u8; 32],
        mut temporary: Temporary,
    ) -> Result<Path, ObjectsError> {
        if let Some(folder) = &self.folder {
            let file = folder.join(temporary.path.as_ref());
            blocking(move || std::fs::File::open(file)?.sync_all()).await?;
        }
        let place = place(&sha256);
        self.store.rename(&temporary.path, &place).await?;
        temporary.is_placed = true;
        Ok(place)
    }

    /// How many bytes a content has; it is missing when it is not here.
    pub async fn length(&self, sha256: &[u8; 32]) -> Result<u64, ObjectsError> {
        Ok(self.store.head(&place(sha256)).await?.size)
    }

    /// A content, as it was sent.
    pub async fn read(
        &self,
        sha256: &[u8; 32],
    ) -> Result<BoxStream<'static, Result<Bytes, ObjectsError>>, ObjectsError> {
        let found = self.store.get(&place(sha256)).await?;
        Ok(found.into_stream().map_err(ObjectsError::from).boxed())
    }

    /// Takes a content away, if it is here.
    pub(super) async fn delete(&self, sha256: &[u8; 32]) -> Result<(), ObjectsError> {
        self.delete_path(&place(sha256)).await
    }

    async fn delete_path(&self, path: &Path) -> Result<(), ObjectsError> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes temporary objects away that were last written before an instant: those of a process that
    /// was killed. Uploads in parts that a bucket still holds are for a rule of the bucket.
    pub(super) async fn delete_incoming(&self, before: DateTime<Utc>) -> Result<(), ObjectsError> {
        if let Some(folder) = &self.folder {
            // The crate does not list the files of uploads that were never completed.
            let incoming = folder.join(INCOMING);
            return blocking(move || delete_files(&incoming, before)).await;
        }
        let mut found = self.store.list(Some(&Path::from(INCOMING)));
        while let Some(object) = found.try_next().await? {
            if object.last_modified < before {
                self.delete_path(&object.location).await?;
            }
        }
        Ok(())
    }
}

/// A temporary object that is whole. It is removed when dropped without a place.
#[derive(Debug)]
pub struct Temporary {
    objects: Objects,
    path: Path,
    is_placed: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_placed {
            let (objects, path) = (self.objects.clone(), self.path.clone());
            aside(async move { objects.delete_path(&path).await });
        }
    }
}

/// A temporary object that is being written. What was written is removed when it is dropped.
#[derive(Debug)]
pub struct Upload {
    /// None once it is closed, or being closed.
    writer: Option<BufWriter>,
    temporary: Option<Temporary>,
    bytes: usize,
    turns: Option<Turns>,
    /// Kept as long as parts are in memory.
    turn: Option<OwnedSemaphorePermit>,
}

impl Upload {
    /// Writes more. A large one waits for its turn.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectsError> {
        self.bytes += bytes.len();
        if self.bytes > SMALL_BYTES
            && self.turn.is_none()
            && let Some(turns) = &self.turns
        {
            self.turn = Some(turns.take().await?);
        }
        match &mut self.writer {
            Some(writer) => Ok(writer.put(bytes).await?),
            None => Ok(()),
        }
    }

    /// Ends it.
    pub async fn finish(mut self) -> Result<Temporary, ObjectsError> {
        if let Some(mut writer) = self.writer.take() {
            writer.shutdown().await.map_err(object_store_error)?;
        }
        let temporary = self.temporary.take();
        Ok(temporary.expect("an upload has its temporary object until it ends"))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            let (temporary, turn) = (self.temporary.take(), self.turn.take());
            aside(async move {
                let aborted = writer.abort().await;
                drop((writer, turn));
                // Nothing is there but perhaps parts, which are gone now.
                drop(temporary);
                aborted.map_err(ObjectsError::from)
            });
        }
    }
}

/// The place of a content.
fn place(sha256: &[u8; 32]) -> Path {
    let name = hex::encode(sha256);
    Path::from_iter([PLACES, &name[..2], &name])
}

/// Cleans up without anybody waiting for it.
fn aside(work: impl Future<Output = Result<(), ObjectsError>> + Send + 'static) {
    // Without a runtime the process ends: the next sweep removes what is left.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            if let Err(error) = work.await {
                tracing::warn!(error = %service::error::chain(&error), "could not remove a temporary attachment");
            }
        });
    }
}

async fn blocking(
    work: impl FnOnce() -> std::io::Result<()> + Send + 'static,
) -> Result<(), ObjectsError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(ObjectsError::Sync)
}

/// Makes the entries of a folder durable.
fn sync_folder(folder: &FilePath) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

fn delete_files(folder: &FilePath, before: DateTime<Utc>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_old = entry
            .metadata()
            .and_then(|file| file.modified())
            .is_ok_and(|written| DateTime::<Utc>::from(written) < before);
        if is_old {
            // Another copy may have been first.
            std::fs::remove_file(entry.path()).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })?;
        }
    }
    Ok(())
}

/// What the writer hides in an error of `std::io`.
fn object_store_error(error: std::io::Error) -> ObjectsError {
    match error.downcast::<object_store::Error>() {
        Ok(error) => ObjectsError::Storage(error),
        Err(error) => ObjectsError::Sync(error),
    }
}

/// How long what nobody names is left alone: longer than any request may take from the arrival of its
/// attachments to its commit.
pub(super) const LEFT_ALONE: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &FilePath) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        names.sort();
        names
    }

    async fn uploaded(objects: &Objects, content: &[u8]) -> Temporary {
        let mut upload = objects.upload();
        for chunk in content.chunks(100_000) {
            upload
                .write(Bytes::copy_from_slice(chunk))
                .await
                .expect("written");
        }
        upload.finish().await.expect("whole")
    }

    /// What is done aside is done soon.
    async fn until_empty(folder: &FilePath) {
        for _ in 0..500 {
            if names(folder).is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("left: {:?}", names(folder));
    }

    #[tokio::test]
    async fn what_is_placed_is_read_and_stored_once() {
        let root = tempfile::tempdir().expect("a folder");
        let objects = Objects::open(&root.path().join("a/b").to_string_lossy()).expect("open");
        let folder = root.path().join("a/b");
        for content in [vec![], b"small".to_vec(), vec![7; 1_000_000]] {
            let name = [content.len() as u8; 32];
            let (one, two) = (
                uploaded(&objects, &content).await,
                uploaded(&objects, &content).await,
            );
            objects.place(vec![(name, one)]).await.expect("placed");
            objects
                .place(vec![(name, two)])
                .await
                .expect("placed again");
            let read = objects.read(&name).await.expect("here");
            let chunks: Vec<Bytes> = read.try_collect().await.expect("read");
            assert_eq!(chunks.concat(), content);
            assert_eq!(
                objects.length(&name).await.expect("here"),
                content.len() as u64
            );
        }
        assert!(names(&folder.join(INCOMING)).is_empty());
        assert_eq!(names(&folder.join(PLACES)), ["00", "05", "40"]);
        objects.delete(&[5; 32]).await.expect("deleted");
        objects.delete(&[5; 32]).await.expect("gone already");
        assert!(
            objects
                .read(&[5; 32])
                .await
                .is_err_and(|error| error.is_missing())
        );
    }

    #[tokio::test]
    async fn what_is_dropped_is_removed() {
        let root = tempfile::tempdir().expect("a folder");
        let objects = Objects::open(&root.path().to_string_lossy()).expect("open");
        let mut under_way = objects.upload();
        for _ in 0..20 {
            under_way
                .write(Bytes::from(vec![1; 100_000]))
                .await
                .expect("written");
        }
        let whole = uploaded(&objects, b"whole").await;
        assert!(!names(&root.path().join(INCOMING)).is_empty());
        drop(whole);
        drop(under_way);
        until_empty(&root.path().join(INCOMING)).await;
    }

    #[tokio::test]
    async fn few_large_ones_are_on_their_way_to_a_bucket() {
        let objects = Objects {
            store: Arc::new(object_store::memory::InMemory::new()),
            folder: None,
            turns: Some(Turns::new(1, Duration::from_millis(100))),
        };
        let large = || Bytes::from(vec![1; SMALL_BYTES + 1]);
        let mut one = objects.upload();
        one.write(large()).await.expect("its turn");
        let small = uploaded(&objects, b"small").await;
        let mut two = objects.upload();
        let refused = two.write(large()).await;
        assert!(matches!(refused, Err(ObjectsError::Busy)), "{refused:?}");
        let whole = one.finish().await.expect("whole");
        two.write(large()).await.expect("its turn");
        // One that is given up gives its turn to the next.
        drop(two);
        let mut three = objects.upload();
        three.write(large()).await.expect("its turn");
        drop((small, whole));
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_removed_when_it_is_old() {
        let root = tempfile::tempdir().expect("a folder");
        let objects = Objects::open(&root.path().to_string_lossy()).expect("open");
        let left = root.path().join(INCOMING).join("left#1");
        std::fs::write(&left, b"x").expect("written");
        let now = service::clock::now();
        objects
            .delete_incoming(now - LEFT_ALONE)
            .await
            .expect("swept");
        assert!(left.exists());
        let later = now + Duration::from_secs(5);
        objects.delete_incoming(later).await.expect("swept");
        assert!(!left.exists());
    }
}
