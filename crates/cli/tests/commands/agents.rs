//! `custom-command`, with `lab::ScriptedAgent` in the place of an agent: none of the original's can be had here, so that
//! what it answers is what the protocol says it answers.

use lab::ScriptedAgent;
use model::{Command, Secret};
use ports::{Clock, SystemClock};

use crate::program::Prepared;

cases! {
    a_custom_command_prints_what_the_agent_answers,
    an_agent_that_refuses_or_is_not_there_is_an_error_without_its_token,
}

const TOKEN: &str = "5ecre7";

/// Registers an agent on that port of 127.0.0.1.
fn register(program: &Prepared, port: u16) {
    let command = Command::RegisterAgent {
        hostname: "127.0.0.1".into(),
        port,
        token: Secret::new(TOKEN),
        at: SystemClock.now(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async { program.store().await.apply(&command).await }).unwrap();
}

fn a_custom_command_prints_what_the_agent_answers() {
    let program = Prepared::new();
    let agent = ScriptedAgent::start(TOKEN).unwrap();
    agent.answer("custom-commands/uptime", 200, "up 3 days\n<1 user>");
    register(&program, agent.port());
    program.prints("-c custom-command --hostname 127.0.0.1 --pattern uptime", "up 3 days\n<1 user>\n");
    program.prints("custom-command -hostname=127.0.0.1 -pattern=uptime", "up 3 days\n<1 user>\n");
    program.prints(
        "-c custom-command --hostname 127.0.0.1 --pattern uptime --json",
        "\"up 3 days\\n\\u003c1 user\\u003e\"\n",
    );
    program.prints("-c custom-command --hostname 127.0.0.1 --pattern a/../b", "\"ok\"\n");
    let asked = agent.asked();
    assert_eq!(asked.first().map(String::as_str), Some("custom-commands/uptime"));
    assert_eq!(asked.last().map(String::as_str), Some("custom-commands/a%2F..%2Fb"));
    program.prints("-c which-instance -i db:3307", "db:3307\n");
}

fn an_agent_that_refuses_or_is_not_there_is_an_error_without_its_token() {
    let program = Prepared::new();
    program.fails("-c custom-command --hostname nosuch --pattern uptime", "Cannot get agent/token: nosuch\n");
    program.fails("-c custom-command --pattern uptime", "Cannot get agent/token: \n");
    let agent = ScriptedAgent::start(TOKEN).unwrap();
    agent.answer(
        "custom-commands/uptime",
        500,
        r#"{"Code":"ERROR","Message":"exit status 1","Details":null}"#,
    );
    register(&program, agent.port());
    program.fails("-c custom-command --hostname 127.0.0.1", "name the command of the agent with --pattern\n");
    let ended = program.run("-c custom-command --hostname 127.0.0.1 --pattern uptime -debug");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    let refused =
        "agent on 127.0.0.1: custom-commands/uptime: status 500 Internal Server Error: exit status 1";
    assert!(ended.stderr.contains(refused), "{}", ended.stderr);
    assert!(!ended.stderr.contains(TOKEN), "{}", ended.stderr);
    drop(agent);
    let ended = program.run("-c custom-command --hostname 127.0.0.1 --pattern uptime -debug");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("onnection refused") && !ended.stderr.contains(TOKEN), "{}", ended.stderr);
}
