//! Commands about what is kept beside servers: tags, maintenance, pools, names, published primaries, tokens.

use crate::program::Prepared;

cases! {
    tags_are_put_and_taken,
    maintenance_is_held_by_one,
    pools_are_replaced_and_listed,
    names_of_hosts_are_registered_and_forgotten,
    primaries_are_published,
    tokens_snapshots_and_nodes,
    candidates_are_suggested,
    addresses_are_tried_before_they_are_resolved,
}

fn tags_are_put_and_taken() {
    let program = Prepared::new();
    program.prints("-c tag -i db:3308 --tag role=reports", "db:3308\n");
    program.prints("-c tag -i db:3308 --tag ~keep", "db:3308\n");
    program.prints("-c tags -i db:3308", "keep=\nrole=reports\n");
    program.prints("-c tagged --tag role", "db:3307\ndb:3308\n");
    program.prints("-c untag -i db:3308 --tag role=other", "");
    program.prints("-c untag -i db:3308 --tag role", "db:3308\n");
    program.fails("-c untag -i db:3308 --tag ~keep", "Untag: does not support negation\n");
    program.fails("-c untag-all --tag keep", "Untag: either indicate an instance or a tag value.");
    program.prints("-c untag-all --tag keep=", "db:3307\ndb:3308\n");
    program.prints("-c tags -i db:3307", "role=billing\n");
    program.fails("-c tag -i db:3308 --tag =x", "Unable to parse tag: =x\n");
    program.fails("-c tag -i db:3308", "Unable to parse tag: \n");
}

fn maintenance_is_held_by_one() {
    let program = Prepared::new();
    program.fails("-c begin-maintenance -i db:3307", "--reason option required\n");
    program.prints("-c begin-maintenance -i db:3307 --reason disk --owner ann --duration 1h", "db:3307\n");
    program.fails(
        "-c begin-maintenance -i db:3307 --reason fan",
        "Cannot begin maintenance for instance: db:3307; maintenance reason: fan\n",
    );
    program.prints("-c in-maintenance -i db:3307", "db:3307\n");
    program.prints("-c end-maintenance -i db:3307", "db:3307\n");
    program.prints("-c in-maintenance -i db:3307", "");
    program.prints("-c end-maintenance -i db:3307", "db:3307\n");
}

fn pools_are_replaced_and_listed() {
    let program = Prepared::new();
    program.prints("-c submit-pool-instances --pool web -i db:3307,db:3308", "");
    program.prints("-c submit-pool-instances --pool web -i db:3308,oth:3306", "");
    program.prints(
        "-c cluster-pool-instances",
        "db:3306\tshop\tweb\tdb:3308\nother:3306\tother:3306\tweb\tother:3306\n",
    );
    program.prints("-c which-heuristic-cluster-pool-instances --alias shop", "db:3308\n");
    program.prints("-c which-heuristic-cluster-pool-instances --alias shop --pool nosuch", "");
    program.prints("-c submit-pool-instances --pool web", "");
    program.prints("-c cluster-pool-instances", "");
    program.fails("-c submit-pool-instances -i db:3307", "Please submit --pool\n");
    program.fails("-c submit-pool-instances --pool web -i db:x:1", "Cannot parse address: db:x:1\n");
}

fn names_of_hosts_are_registered_and_forgotten() {
    let program = Prepared::new();
    program.prints("-c register-hostname-unresolve -i db:3307 --hostname vdb", "db:3307\n");
    program.prints("-c show-unresolve-hosts", "db vdb\n");
    program.prints("-c deregister-hostname-unresolve -i db:3307", "db:3307\n");
    program.prints("-c show-unresolve-hosts", "");
    program.prints("-c reset-hostname-resolve-cache", "hostname resolve cache cleared\n");
    program.prints("-c show-resolve-hosts", "");
}

fn primaries_are_published() {
    let program = Prepared::new();
    program.prints(
        "-c submit-masters-to-kv-stores --alias shop",
        "mysql/master/shop:db:3306\nmysql/master/shop/hostname:db\nmysql/master/shop/port:3306\n\
         mysql/master/shop/ipv4:\nmysql/master/shop/ipv6:\n",
    );
    program.fails(
        "-c which-heuristic-domain-instance --alias other:3306",
        "Cannot find domain name for cluster other:3306\n",
    );
    program.fails("-c which-heuristic-domain-instance --alias shop", "No writer is stored under");
    program.prints("-c set-heuristic-domain-instance --alias shop", "db:3306\n");
    program.prints("-c which-heuristic-domain-instance --alias shop", "db:3306\n");
}

fn tokens_snapshots_and_nodes() {
    let program = Prepared::new();
    let token = program.run("-c access-token --owner ann");
    assert_eq!((token.code, token.stdout.len()), (Some(0), 65), "{}", token.stderr);
    assert!(token.stdout.trim().bytes().all(|digit| digit.is_ascii_hexdigit()));
    program.prints("-c snapshot-topologies", "");
    let nodes = program.run("-c active-nodes").stdout;
    assert!(nodes.lines().count() >= 1 && nodes.lines().all(|line| line.split(':').count() == 2), "{nodes}");
    program.prints("-c redeploy-internal-db", "Redeployed internal db\n");
    program.prints("-c clusters", "db:3306\nother:3306\n");
}

fn candidates_are_suggested() {
    let program = Prepared::new();
    program.prints("-c register-candidate -i db:3308", "db:3308\n");
    program.prints("-c get-candidate-replica -i db:3306", "db:3308\n");
    program.prints("-c get-candidate-slave -i db:3306", "db:3308\n");
    program.fails("-c get-candidate-replica -i db:3307", "No replicas found for db:3307");
    program.prints("-c internal-suggest-promoted-replacement -i db:3306 -d db:3307", "db:3307\n");
    program.prints("-c internal-suggest-promoted-replacement -i nosuch:1 -d db:3307", "db:3307\n");
    program.fails("-c internal-suggest-promoted-replacement -i db:3306", "Cannot deduce target instance: ");
    program.prints("-c can-replicate-from-gtid -i db:3307 -d db:3308", "db:3308\n");
    program.prints("-c can-replicate-from-gtid -i db:3307 -d db:3307", "");
}

fn addresses_are_tried_before_they_are_resolved() {
    let program = Prepared::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    program.fails(&format!("-c resolve -i 127.0.0.1:{port}"), "lookup 127.0.0.1: no such host\n");
    program.fails("-c resolve -i 127.0.0.1:1", "dial tcp 127.0.0.1:1: ");
}
