//! A database of each kind, for one test.

use std::path::Path;

use brama_e2e::hand::{Hand, Kind};
use brama_e2e::postgres::Server;
use brama_upstream::store::revocation::{Page, Revoked, Since};
use brama_upstream::store::{DatabaseUrl, Store};
use tempfile::TempDir;

use super::{KEEP, demo};

/// A database of its own, with a folder of its own.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) folder: TempDir,
    address: Address,
}

/// Where an empty database is. With it goes what was made for it.
pub(crate) struct Address {
    kind: Kind,
    text: String,
}

impl Address {
    /// A new place for a database, in `folder` if it is a file.
    pub(crate) async fn of(kind: Kind, folder: &Path) -> Self {
        let text = match kind {
            Kind::Postgres => Server::get().create_database().await,
            Kind::Sqlite => format!("sqlite://{}/brama.db", folder.display()),
        };
        Self { kind, text }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The same database, for another role of the server.
    pub(crate) fn with_user(&self, user: &str, password: &str) -> String {
        let (scheme, rest) = self.text.split_once("://").unwrap();
        let host = rest.split_once('@').map_or(rest, |(_, host)| host);
        format!("{scheme}://{user}:{password}@{host}")
    }

    /// Somebody else with a hand in the database, minding foreign keys as `psql` does, and as `sqlite3` does not.
    pub(crate) async fn hand(&self) -> Hand {
        Hand::reach(self.kind, &self.text).await
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        if self.kind == Kind::Postgres {
            Server::get().drop_database(&self.text);
        }
    }
}

impl Database {
    /// Nothing but the schema.
    pub(crate) async fn empty(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::of(kind, folder.path()).await;
        let store = Store::open(&address.text.parse().unwrap()).await.unwrap();
        Self { store, folder, address }
    }

    pub(crate) async fn demo(kind: Kind) -> Self {
        let database = Self::empty(kind).await;
        let _ = database.store.seed(&demo()).await.unwrap();
        database
    }

    pub(crate) fn kind(&self) -> Kind {
        self.address.kind
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        self.address.text.parse().unwrap()
    }

    pub(crate) async fn hand(&self) -> Hand {
        self.address.hand().await
    }

    /// Runs statements by hand.
    pub(crate) async fn sql(&self, statements: &str) -> Result<(), sqlx::Error> {
        self.hand().await.run(statements).await
    }

    pub(crate) async fn number(&self, query: &str) -> i64 {
        self.hand().await.number(query).await
    }

    pub(crate) async fn text(&self, query: &str) -> String {
        self.hand().await.text(query).await
    }

    pub(crate) async fn page(&self, since: Since) -> Page {
        self.store.revocations(since, &KEEP).await.unwrap()
    }

    pub(crate) async fn head(&self) -> Since {
        Since::Cursor(self.page(Since::Head).await.next)
    }

    /// What one page says was revoked since.
    pub(crate) async fn revoked(&self, since: Since) -> Vec<Revoked> {
        let page = self.page(since).await;
        assert!(!page.more && !page.reset, "{page:?}");
        page.entries.into_iter().map(|entry| entry.revoked).collect()
    }
}

pub(crate) fn url(file: &Path) -> DatabaseUrl {
    format!("sqlite://{}", file.display()).parse().unwrap()
}
