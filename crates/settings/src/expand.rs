//! Replaces `${NAME}`, `${NAME:-default}` and `${file:/path}` in values; `$${` stands for a literal `${`.

use std::path::Path;

use crate::report::Complaint;

/// Where replacements come from.
pub(crate) struct Sources<'a> {
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) read_file: &'a dyn Fn(&Path) -> std::io::Result<String>,
}

/// Replaces all references in `text`; refused if a variable is not set or a file cannot be read. What was put in is not
/// looked at again. The contents of variables and files never appear in complaints.
pub(crate) fn expand(text: &str, sources: &Sources<'_>) -> Result<String, Vec<Complaint>> {
    let mut out = String::with_capacity(text.len());
    let mut complaints = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        let after = from.trim_start_matches('$').strip_prefix('{').unwrap_or_default();
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some((reference, behind)) = after.split_once('}') else {
            // Without an end it is no reference, but part of the text.
            out.push_str(from);
            rest = "";
            break;
        };
        match look_up(reference, sources) {
            Ok(found) => out.push_str(&found),
            Err(complaint) => complaints.push(complaint),
        }
        rest = behind;
    }
    out.push_str(rest);
    if complaints.is_empty() { Ok(out) } else { Err(complaints) }
}

/// Whether text stands around the references. The original dropped it; here it stays.
pub(crate) fn has_text_around(text: &str) -> bool {
    match (text.find("${"), text.rfind('}')) {
        (Some(start), Some(end)) => start < end && (start > 0 || end + 1 < text.len()),
        _ => false,
    }
}

fn look_up(reference: &str, sources: &Sources<'_>) -> Result<String, Complaint> {
    if let Some(path) = reference.strip_prefix("file:") {
        return match (sources.read_file)(Path::new(path)) {
            Ok(content) => Ok(content.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => Err(Complaint::new(
                format!("cannot read the file of ${{file:{path}}} ({error})"),
                "correct the path, or let the user of this process read the file",
            )),
        };
    }
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    match ((sources.environment)(name), default) {
        // As in a shell, `:-` also stands in for an empty variable.
        (Some(value), Some(default)) if value.is_empty() => Ok(default.to_owned()),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Complaint::new(
            format!("the environment variable {name} is not set"),
            format!("set it, write ${{{name}:-default}}, or $${{ if a literal ${{ is meant"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<String, String> {
        let environment = |name: &str| match name {
            "USER" => Some("ann".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${USER}".to_owned()),
            _ => None,
        };
        let read_file = |path: &Path| match path.to_str() {
            Some("/run/pw") => Ok("tiger\n".to_owned()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        expand(text, &Sources { environment: &environment, read_file: &read_file })
            .map_err(|complaints| complaints.iter().map(|c| c.what.clone()).collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn references_are_replaced_in_place() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("${USER}", "ann"),
            ("<${USER}>${USER}", "<ann>ann"),
            ("${EMPTY}", ""),
            ("${EMPTY:-x}${NONE:-y}${NONE:-}", "xy"),
            ("${file:/run/pw}", "tiger"),
            ("$${USER}", "${USER}"),
            ("${NESTED}", "${USER}"),
            ("a${b", "a${b"),
            ("$USER $ {USER} }", "$USER $ {USER} }"),
        ] {
            assert_eq!(run(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn all_missing_variables_and_files_are_told() {
        let error = run("${NONE}${file:/gone}${}").unwrap_err();
        assert!(
            error.starts_with(
                "the environment variable NONE is not set; cannot read the file of ${file:/gone}"
            )
        );
        assert!(error.ends_with("the environment variable  is not set"), "{error}");
    }

    #[test]
    fn text_around_references_is_noticed() {
        for (text, wanted) in [("${A}", false), ("x${A}", true), ("${A}x", true), ("plain}", false)] {
            assert_eq!(has_text_around(text), wanted, "{text}");
        }
    }
}
