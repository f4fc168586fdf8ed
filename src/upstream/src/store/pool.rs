//! Owns what is told of a pool: how many connections it has, and how many of them are in use.

use sqlx::{Database, Pool};

/// The connections of a pool at a moment. They are opened when they are needed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct PoolUse {
    /// `readers` or `writers`.
    pub(crate) pool: &'static str,
    /// Those that wait for work.
    pub(crate) idle: usize,
    /// Those at work.
    pub(crate) used: usize,
}

impl PoolUse {
    pub(super) fn of<D: Database>(name: &'static str, pool: &Pool<D>) -> Self {
        let idle = pool.num_idle();
        // The two are read one after the other, and a connection can be given back in between.
        let size = usize::try_from(pool.size()).unwrap_or(usize::MAX);
        Self { pool: name, idle, used: size.saturating_sub(idle) }
    }
}
