//! The shape language: who replicates from whom, in one line.
//!
//! `a(b,c(d))` is one cluster: `a` is the primary, `b` and `c` replicate from it, `d` from `c`. Clusters are separated by
//! commas: `a(b,c),x(y)`. Names consist of letters, digits, `_` and `-`; spaces are ignored.

use anyhow::{Result, bail, ensure};

/// One server of a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Unique name.
    pub name: String,
    /// The server it replicates from; `None` for a primary.
    pub source: Option<String>,
}

/// The servers of a lab; each source comes before its replicas. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    nodes: Vec<Node>,
}

impl Shape {
    /// Reads the shape language.
    ///
    /// ```
    /// let shape = lab::Shape::parse("a(b,c(d))").unwrap();
    /// assert_eq!(shape.nodes()[3].source.as_deref(), Some("c"));
    /// assert!(lab::Shape::parse("a(b").is_err());
    /// ```
    ///
    /// Errors: a missing name or parenthesis, a name used twice, an unknown character.
    pub fn parse(text: &str) -> Result<Self> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut above: Vec<String> = Vec::new();
        let mut name = String::new();
        // True right after a complete server, when only `,`, `(` or `)` may follow.
        let mut closed = false;
        for (at, character) in text.chars().chain([',']).enumerate().filter(|(_, c)| !c.is_whitespace()) {
            match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' if !closed => name.push(character),
                '(' | ',' | ')' => {
                    if closed {
                        ensure!(
                            character != '(',
                            "shape `{text}`: two lists of replicas for one server at {at}"
                        );
                    } else {
                        ensure!(!name.is_empty(), "shape `{text}`: a name is missing at {at}");
                        ensure!(
                            !nodes.iter().any(|n| n.name == name),
                            "shape `{text}`: `{name}` occurs twice"
                        );
                        nodes.push(Node { name: std::mem::take(&mut name), source: above.last().cloned() });
                    }
                    closed = character == ')';
                    match character {
                        '(' => above.extend(nodes.last().map(|node| node.name.clone())),
                        ')' => ensure!(above.pop().is_some(), "shape `{text}`: unexpected `)` at {at}"),
                        _ => {}
                    }
                }
                other => bail!("shape `{text}`: unexpected `{other}` at {at}"),
            }
        }
        ensure!(above.is_empty(), "shape `{text}`: `)` is missing");
        Ok(Self { nodes })
    }

    /// All servers, each source before its replicas.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The direct replicas of a server.
    pub fn replicas_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.nodes.iter().filter(move |node| node.source.as_deref() == Some(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> String {
        let shape = Shape::parse(text).expect("shape is valid");
        let parts: Vec<String> = shape
            .nodes()
            .iter()
            .map(|n| format!("{}<{}", n.name, n.source.as_deref().unwrap_or("-")))
            .collect();
        parts.join(" ")
    }

    #[test]
    fn trees_and_several_clusters_are_read() {
        assert_eq!(sources("a"), "a<-");
        assert_eq!(sources("a(b,c(d))"), "a<- b<a c<a d<c");
        assert_eq!(sources("a(b(c(d)),e)"), "a<- b<a c<b d<c e<a");
        assert_eq!(sources("a(b,c), x(y)"), "a<- b<a c<a x<- y<x");
    }

    #[test]
    fn mistakes_are_refused() {
        for text in
            ["", "a(", "a(b", "a)", "a(b))", "a()", "a,,b", "a(b)c", "a(b)(c)", "a(a)", "a;b", "a(b,)"]
        {
            assert!(Shape::parse(text).is_err(), "`{text}` was accepted");
        }
    }
}
