//! Which clusters share a transaction.

use ports::ClusterPairs;

/// Consecutive clusters whose pairs fit into one transaction of that many operations. The pairs of one cluster are never
/// torn apart: a cluster with more pairs has a transaction to itself.
///
/// Differs: the original's comparison of prefixes never recognised a cluster, so that its pairs were spread at random.
pub(crate) fn batches(clusters: &[ClusterPairs], operations_max: usize) -> Vec<&[ClusterPairs]> {
    let mut found = Vec::new();
    let (mut begin, mut size) = (0, 0);
    for (at, cluster) in clusters.iter().enumerate() {
        if at > begin && size + cluster.pairs.len() > operations_max {
            found.push(&clusters[begin..at]);
            (begin, size) = (at, 0);
        }
        size += cluster.pairs.len();
    }
    if begin < clusters.len() {
        found.push(&clusters[begin..]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(pairs_of_each: &[usize], operations_max: usize) -> Vec<usize> {
        let clusters: Vec<ClusterPairs> = pairs_of_each
            .iter()
            .map(|count| ClusterPairs {
                alias: String::new(),
                pairs: vec![(String::new(), String::new()); *count],
            })
            .collect();
        batches(&clusters, operations_max).iter().map(|batch| batch.len()).collect()
    }

    #[test]
    fn clusters_share_a_transaction_as_long_as_they_fit() {
        assert_eq!(sizes(&[5, 5, 5], 5), [1, 1, 1]);
        assert_eq!(sizes(&[5, 5, 5], 10), [2, 1]);
        assert_eq!(sizes(&[5; 13], 64), [12, 1]);
        assert!(sizes(&[], 5).is_empty());
    }

    #[test]
    fn a_cluster_is_never_torn_apart() {
        assert_eq!(sizes(&[3, 5, 3], 7), [1, 1, 1]);
        assert_eq!(sizes(&[9, 2], 5), [1, 1], "one with more pairs is alone");
    }
}
