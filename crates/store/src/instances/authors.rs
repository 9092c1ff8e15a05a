//! Which process wrote the row of a server last, where several share a schema on MySQL.
//!
//! The row in `database_instance_facts` carries the number of its author. A process that reads servers again and again
//! always leaves the same one, so that its routine writes need no further statement and are no news for others. Whoever
//! writes what it saw of a single act leaves a new one each time.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use model::InstanceKey;

use super::own_columns;
use crate::sql::{self, Db, Params, ToValue, Value};

/// Servers per statement, smallest first: a shorter list is filled up by repeating its last one, so that few statements
/// have to be prepared.
const SIZES: [usize; 3] = [1, 8, 64];

/// Whose a write is.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    /// What the rows carry afterwards.
    pub(crate) number: i64,
    /// What the rows carried when this process had to do with them last.
    pub(crate) expected: HashMap<InstanceKey, i64>,
}

impl Author {
    /// A number that no other author has.
    pub(crate) fn new_number() -> i64 {
        // Seeded by the operating system. Zero is a row that nobody signed.
        i64::try_from(RandomState::new().build_hasher().finish() >> 1).unwrap_or(1).max(1)
    }

    /// The rows of these servers, as far as this process had to do with them, that somebody else wrote since, with the
    /// numbers they carry. Nobody else can write these rows before the transaction ends.
    pub(super) fn changed_by_others(
        &self,
        db: &Db<'_>,
        keys: &[&InstanceKey],
    ) -> sql::Result<HashMap<InstanceKey, i64>> {
        let known: Vec<_> = keys.iter().copied().filter(|key| self.expected.contains_key(key)).collect();
        let mut changed = HashMap::new();
        for part in Keys::parts(None, &known) {
            let statement = format!(
                "select hostname, port, written_by from {} where {} for update",
                own_columns::TABLE,
                part.condition()
            );
            let rows = sql::query(db, &statement, part, |row| {
                let key = InstanceKey::new(row.cell("hostname")?.string(), row.cell("port")?.number());
                Ok((key, row.cell("written_by")?.int()))
            })?;
            changed.extend(
                rows.into_iter().filter(|(key, number)| {
                    self.expected.get(key).is_some_and(|expected| expected != number)
                }),
            );
        }
        Ok(changed)
    }

    /// Signs the rows of these servers that this process had not signed.
    pub(super) fn sign(&self, db: &Db<'_>, keys: &[&InstanceKey]) -> sql::Result<()> {
        let unsigned: Vec<_> =
            keys.iter().copied().filter(|key| self.expected.get(key) != Some(&self.number)).collect();
        for part in Keys::parts(Some(self.number), &unsigned) {
            let statement =
                format!("update {} set written_by = ? where {}", own_columns::TABLE, part.condition());
            sql::execute(db, &statement, part)?;
        }
        Ok(())
    }
}

/// A number, if one comes first, then host and port of so many servers.
struct Keys<'a> {
    before: Option<i64>,
    keys: &'a [&'a InstanceKey],
    size: usize,
}

impl<'a> Keys<'a> {
    fn parts(before: Option<i64>, keys: &'a [&'a InstanceKey]) -> impl Iterator<Item = Self> {
        keys.chunks(SIZES[SIZES.len() - 1]).map(move |keys| {
            let size = SIZES.into_iter().find(|size| *size >= keys.len()).unwrap_or(keys.len());
            Self { before, keys, size }
        })
    }

    fn condition(&self) -> String {
        format!("(hostname, port) in ({})", vec!["(?, ?)"; self.size].join(", "))
    }
}

impl Params for Keys<'_> {
    fn count(&self) -> usize {
        usize::from(self.before.is_some()) + 2 * self.size
    }

    fn value(&self, index: usize) -> Value<'_> {
        let place = match (&self.before, index) {
            (Some(number), 0) => return number.to_value(),
            (Some(_), index) => index - 1,
            (None, index) => index,
        };
        let key = self.keys[(place / 2).min(self.keys.len() - 1)];
        if place % 2 == 0 { key.hostname().to_value() } else { Value::Int(key.port().into()) }
    }
}
