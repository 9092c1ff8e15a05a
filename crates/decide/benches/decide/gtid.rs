//! Time for the algebra of GTID sets: single operations on sets whole and in pieces, and the search of a whole fleet for
//! transactions that a replica has and its source never had.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use decide::errant::{Lineage, errant_from_texts};
use model::{GtidSet, MariaDbPosition};

use crate::fleets::{SIZES, fleet, history};

pub(crate) fn sets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gtid");
    for gaps in [0, 100, 10_000] {
        let (text, newer) = (history(1_000_000, gaps), history(1_000_500, 0));
        let set = GtidSet::parse(&text).expect("it is a set");
        let newer = GtidSet::parse(&newer).expect("it is a set");
        assert_eq!(newer.subtract(&set).count(), 500 + gaps);
        let mut measure = |name: &str, work: &dyn Fn() -> bool| {
            group.bench_function(BenchmarkId::new(name, gaps), |bencher| bencher.iter(work));
        };
        measure("parse", &|| GtidSet::parse(black_box(&text)).is_ok());
        measure("print", &|| black_box(&set).to_string().is_empty());
        measure("union", &|| black_box(&set).union(&newer).is_empty());
        measure("subtract", &|| black_box(&newer).subtract(&set).is_empty());
        measure("intersect", &|| black_box(&set).intersect(&newer).is_empty());
        measure("contains", &|| black_box(&newer).contains(&set));
    }
    let positions = ["0-1-1000000,1-2-77,5-9-123456789", "0-2-1000500,1-2-77,5-9-123456789"]
        .map(|text| MariaDbPosition::parse(text).expect("it is a position"));
    group.bench_function("mariadb/compare", |bencher| {
        bencher.iter(|| black_box(&positions[0]).compare(&positions[1]));
    });
    group.finish();
}

/// What every read of a replica asks: are there transactions of its own?
pub(crate) fn errant(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("errant");
    for servers in SIZES {
        let fleet = fleet(servers, true).fleet;
        let pairs: Vec<_> = fleet
            .iter()
            .filter_map(|replica| fleet.get(&replica.primary_key).map(|source| (replica, source)))
            .collect();
        group.throughput(Throughput::Elements(pairs.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(servers), |bencher| {
            bencher.iter(|| {
                pairs
                    .iter()
                    .filter(|(replica, source)| {
                        let lineage =
                            Lineage::from_texts(&replica.server_uuid, &source.server_uuid, "", false);
                        !errant_from_texts(&replica.executed_gtid, &source.executed_gtid, &lineage).is_empty()
                    })
                    .count()
            });
        });
    }
    group.finish();
}
