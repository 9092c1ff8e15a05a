//! Places in logs, looked for by what is written there.

use model::{BinlogCoordinates, InstanceKey};
use registry::Param;

use super::answer::{Failure, Reply};
use super::call::Call;

pub(super) async fn last_relay_entry(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = given(call).await?;
    let found = call.engine.last_executed_relay_event(&key).await?;
    let event = &found.event;
    Ok(printed(
        call,
        format!(
            "{{Coordinates:{} NextEventPos:{next} EventType:{} Info:{}}}:{next}",
            found.at,
            event.kind,
            event.info,
            next = event.next
        ),
    ))
}

pub(super) async fn equal_relay_place(call: &Call<'_>) -> Result<Reply, Failure> {
    let (key, other) = (given(call).await?, other(call).await?);
    let places = call.engine.equal_relay_place(&key, &other, place(call)?.as_ref()).await?;
    Ok(printed(call, format!("{};{};{}", places.own, places.other, places.next)))
}

pub(super) async fn find_entry(call: &Call<'_>) -> Result<Reply, Failure> {
    let text = call.args.text(Param::Pattern).ok_or_else(|| Failure::input("No pattern given"))?;
    let key = given(call).await?;
    let found = call.engine.find_log_entry(&key, text).await?;
    Ok(printed(call, found.to_string()))
}

pub(super) async fn equal_log_place(call: &Call<'_>) -> Result<Reply, Failure> {
    let (key, other) = (given(call).await?, other(call).await?);
    let found = call.engine.equal_log_place(&key, &other, place(call)?.as_ref()).await?;
    Ok(printed(call, found.to_string()))
}

async fn given(call: &Call<'_>) -> Result<InstanceKey, Failure> {
    Ok(call.known().await?.key.clone())
}

async fn other(call: &Call<'_>) -> Result<InstanceKey, Failure> {
    Ok(call.known_destination().await?.key.clone())
}

/// The place that was given, if one was.
fn place(call: &Call<'_>) -> Result<Option<BinlogCoordinates>, Failure> {
    let text = call.args.text(Param::Binlog);
    text.map(BinlogCoordinates::parse)
        .transpose()
        .map_err(|error| Failure::input(format!("--binlog must be file:pos: {error}")))
}

fn printed(call: &Call<'_>, line: String) -> Reply {
    Reply::bare(call.json(&line), vec![line])
}
