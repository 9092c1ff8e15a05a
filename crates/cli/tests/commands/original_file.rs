//! Questions about a backend file that the original left behind, with its whole schema.

use rusqlite::Connection;

use crate::program::Prepared;

const FILE: &str = include_str!("../../../store/tests/store/fixtures/original_file.sql");

#[test]
fn a_file_of_the_original_answers_in_place() {
    answers(&Prepared::new());
}

#[test]
fn it_answers_also_where_its_schema_may_not_be_changed() {
    let program = Prepared::new();
    program.configure(r#""SkipOrchestratorDatabaseUpdate":true"#);
    answers(&program);
    program.prints("-c begin-downtime -i db1:3306 --reason work", "db1:3306\n");
    program.prints("-c all-instances", "db1:3306\ndb2:3306\n");
}

fn answers(program: &Prepared) {
    let path = program.file("orchestrator.db");
    std::fs::remove_file(&path).unwrap();
    let file = Connection::open(path).unwrap();
    file.execute_batch(FILE).unwrap();
    let count = "select count(*) from sqlite_master where type = 'table'";
    assert_eq!(file.query_row(count, [], |row| row.get::<_, u32>(0)), Ok(47), "its whole schema");
    drop(file);
    for (line, stdout) in [
        ("-c clusters", "db1:3306\n"),
        ("-c clusters-alias", "db1:3306\tshop\n"),
        ("-c which-cluster -i db2:3306", "db1:3306\n"),
        ("-c which-cluster -alias shop", "db1:3306\n"),
        ("-c which-cluster-alias -i db2:3306", "shop\n"),
        ("-c which-master -i db2:3306", "db1:3306\n"),
        ("-c which-replicas -i db1:3306", "db2:3306\n"),
        ("-c tags -i db1:3306", "role=main\n"),
        (
            "-c topology -i db2:3306",
            "db1:3306   [unknown,unchecked,8.0.36,rw,ROW,>>]\n- db2:3306 [unknown,invalid,8.0.36,ro,ROW,>>]\n",
        ),
        (
            "-c topology-tags -alias shop",
            "db1:3306   [unknown,unchecked,8.0.36,rw,ROW,>>] [role=main]\n\
             - db2:3306 [unknown,invalid,8.0.36,ro,ROW,>>] []\n",
        ),
    ] {
        program.prints(line, stdout);
    }
}
