//! What PostgreSQL tells by itself (`NOTIFY`), on a connection of its own.

use std::str::FromStr;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{ConnectError, Reach, reach};

/// How long a connection may take, with the `LISTEN`.
const WITHIN: Duration = Duration::from_secs(5);

/// Where to listen. A pool gives its connections away; this one is kept.
#[derive(Clone)]
pub struct Channel {
    config: Config,
    reach: Reach,
}

/// Why nothing is heard.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// PostgreSQL refused, or the connection broke.
    #[error("could not listen to PostgreSQL")]
    Refused(#[from] tokio_postgres::Error),
    /// The connection ended, gives no answer, or is none that listens.
    #[error("the connection that listens to PostgreSQL was lost")]
    Lost,
}

/// A connection that listens.
#[derive(Debug)]
pub struct Listening {
    /// Asks whether it still does.
    pub client: Heart,
    /// What is told. They are few and small, and wait unbounded so that an answer never waits
    /// behind them. It ends with the connection.
    pub words: UnboundedReceiver<String>,
}

/// Tells whether the connection lives, and listens.
pub struct Heart {
    client: Client,
    channel: &'static str,
}

impl Channel {
    /// A channel of the database at `url`; nothing is connected yet. TLS is as for a pool.
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        let config = Config::from_str(url).map_err(ConnectError::Address)?;
        let (mut config, reach) = reach(config)?;
        config.application_name("sillage listens");
        Ok(Self { config, reach })
    }

    /// Connects, and listens to what is told under `name` (one word, ours).
    pub async fn listen(&self, name: &'static str) -> Result<Listening, ChannelError> {
        let opened = async {
            let listening = match &self.reach {
                Reach::Clear => self.open(name, NoTls).await,
                Reach::Tls(tls) => {
                    self.open(name, MakeRustlsConnect::new((**tls).clone()))
                        .await
                }
            }?;
            listening
                .client
                .client
                .batch_execute(&format!("listen {name}"))
                .await?;
            Ok(listening)
        };
        timeout(WITHIN, opened)
            .await
            .unwrap_or(Err(ChannelError::Lost))
    }

    async fn open<T>(&self, channel: &'static str, tls: T) -> Result<Listening, ChannelError>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, mut connection) = self.config.connect(tls).await?;
        let (tell, words) = unbounded_channel();
        tokio::spawn(async move {
            let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(word) = message
                    && tell.send(word.payload().to_owned()).is_err()
                {
                    // Nobody listens any more.
                    return;
                }
            }
        });
        Ok(Listening {
            client: Heart { client, channel },
            words,
        })
    }
}

impl Heart {
    /// Asks the server whether this session still listens. Behind a pooler the session may be another
    /// one than that which was told to: it lives, and hears nothing.
    pub async fn beat(&self) -> Result<(), ChannelError> {
        // Without a prepared statement, which a pooler may lose, too.
        let told = self
            .client
            .simple_query(include_str!("../store/sql/listening.sql"))
            .await?;
        let listens = told.iter().any(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0) == Some(self.channel),
            _ => false,
        });
        listens.then_some(()).ok_or(ChannelError::Lost)
    }
}

// The configuration holds a password.
impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Heart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heart").finish_non_exhaustive()
    }
}
