//! Tests that are the same on both families of servers, or on every version that `script/setup` fetches.

use crate::binaries::Binaries;
use crate::family::Family;
use crate::lab::{Lab, LabBuilder};

/// Makes a test per family of each `module::scenario` of the test crate, an `async fn(Family) -> anyhow::Result<()>`:
/// `mysql::scenario` and `mariadb::scenario`. To be called in the root of the test crate.
#[macro_export]
macro_rules! on_both_families {
    ($($file:ident::$scenario:ident),+ $(,)?) => {
        mod mysql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() -> anyhow::Result<()> {
                super::$file::$scenario($crate::Family::MySql).await
            })+
        }
        mod mariadb {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() -> anyhow::Result<()> {
                super::$file::$scenario($crate::Family::MariaDb).await
            })+
        }
    };
}

/// Makes a test per version of each `module::scenario` of the test crate, an `async fn(LabBuilder) -> anyhow::Result<()>`.
/// To be called in the root of the test crate.
#[macro_export]
macro_rules! on_other_versions {
    ($($file:ident::$scenario:ident),+ $(,)?) => {
        $crate::on_other_versions!(@version mysql_5_6, MySql, "5.6", $($file::$scenario),+);
        $crate::on_other_versions!(@version mariadb_10_5, MariaDb, "10.5", $($file::$scenario),+);
        $crate::on_other_versions!(@version mariadb_11_8, MariaDb, "11.8", $($file::$scenario),+);
    };
    (@version $name:ident, $family:ident, $version:literal, $($file:ident::$scenario:ident),+) => {
        mod $name {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() -> anyhow::Result<()> {
                match $crate::of_version($crate::Family::$family, $version) {
                    Some(builder) => super::$file::$scenario(builder).await,
                    None => Ok(()),
                }
            })+
        }
    };
}

/// A lab of this version; `None`, with a word on standard error, where `script/setup` could not get it.
#[expect(clippy::print_stderr, reason = "a version that is not here is named in the output of a test run")]
pub fn of_version(family: Family, version: &str) -> Option<LabBuilder> {
    match Binaries::of_version(family, version) {
        Ok(_) => Some(Lab::builder().family(family).version(version)),
        Err(error) => {
            eprintln!("NOT TESTED: {error:#}");
            None
        }
    }
}
