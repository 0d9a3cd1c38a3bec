//! The categories that products are in, as a tree, so that a path with all below it is one look-up.

use std::collections::HashMap;

use bothways_domain::{product::Category, search::FacetCount};

/// The place of a category in the tree. The root is the empty path.
pub(crate) type Node = u32;
/// The root.
pub(crate) const ROOT: Node = 0;

/// All categories. A child always comes after its parent.
#[derive(Debug)]
pub(crate) struct CategoryTree {
    parents: Vec<Node>,
    paths: Vec<Category>,
    by_path: HashMap<Category, Node>,
}

impl Default for CategoryTree {
    fn default() -> Self {
        Self {
            parents: vec![ROOT],
            paths: vec![Category::default()],
            by_path: HashMap::from([(Category::default(), ROOT)]),
        }
    }
}

impl CategoryTree {
    /// The node of a path, made with all above it if need be.
    pub(crate) fn insert(&mut self, path: &Category) -> Node {
        let mut node = ROOT;
        for depth in 1..=path.levels().len() {
            let prefix = path.prefix(depth);
            let next = Node::try_from(self.paths.len()).unwrap_or(Node::MAX);
            node = *self.by_path.entry(prefix).or_insert_with_key(|prefix| {
                self.parents.push(node);
                self.paths.push(prefix.clone());
                next
            });
        }
        node
    }

    /// By node: whether it is one of these paths or below one.
    pub(crate) fn within(&self, chosen: &[Category]) -> Vec<bool> {
        let mut within = vec![false; self.paths.len()];
        for path in chosen {
            if let Some(node) = self.by_path.get(path) {
                within[*node as usize] = true;
            }
        }
        for node in 1..within.len() {
            within[node] |= within[self.parents[node] as usize];
        }
        within
    }

    /// The level below the chosen paths (below the root without any) with the products in and below each, most
    /// first; `counts` are of products exactly in a node.
    pub(crate) fn facet(&self, chosen: &[Category], mut counts: Vec<u64>) -> Vec<FacetCount> {
        for node in (1..counts.len()).rev() {
            counts[self.parents[node] as usize] += counts[node];
        }
        let mut open = vec![chosen.is_empty(); 1];
        open.resize(self.paths.len(), false);
        for path in chosen {
            if let Some(node) = self.by_path.get(path) {
                open[*node as usize] = true;
            }
        }
        let shown = (1..counts.len())
            .filter(|node| counts[*node] > 0 && open[self.parents[*node] as usize]);
        let mut facet: Vec<_> = shown
            .map(|node| FacetCount {
                value: self.paths[node].to_string(),
                count: counts[node],
            })
            .collect();
        facet.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        facet
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.paths.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (CategoryTree, Vec<u64>) {
        let mut tree = CategoryTree::default();
        let products = [
            "Printing > Toner",
            "Printing > Toner",
            "Printing > Ink",
            "Printing",
            "Cables > USB > C",
            "",
        ];
        let nodes: Vec<_> = products
            .iter()
            .map(|path| tree.insert(&Category::parse_path(path)))
            .collect();
        let mut counts = vec![0; tree.len()];
        for node in nodes {
            counts[node as usize] += 1;
        }
        (tree, counts)
    }

    fn facet(chosen: &[&str]) -> Vec<(String, u64)> {
        let (tree, counts) = tree();
        let chosen: Vec<_> = chosen
            .iter()
            .map(|path| Category::parse_path(path))
            .collect();
        tree.facet(&chosen, counts)
            .into_iter()
            .map(|entry| (entry.value, entry.count))
            .collect()
    }

    #[test]
    fn without_a_path_the_top_level_is_listed() {
        assert_eq!(
            facet(&[]),
            [("Printing".to_owned(), 4), ("Cables".to_owned(), 1)]
        );
    }

    #[test]
    fn the_level_below_every_chosen_path_is_listed() {
        let listed = facet(&["Printing", "Cables > USB"]);
        let listed: Vec<_> = listed
            .iter()
            .map(|(path, count)| (path.as_str(), *count))
            .collect();
        assert_eq!(
            listed,
            [
                ("Printing > Toner", 2),
                ("Cables > USB > C", 1),
                ("Printing > Ink", 1)
            ]
        );
        assert!(facet(&["No such"]).is_empty());
    }

    #[test]
    fn a_path_takes_everything_below_it_and_nothing_beside_it() {
        let (tree, _) = tree();
        let within = tree.within(&[Category::parse_path("Printing")]);
        assert_eq!(within.iter().filter(|within| **within).count(), 3);
    }
}
