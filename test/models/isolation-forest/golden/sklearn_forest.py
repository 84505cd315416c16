"""Writes a fitted scikit-learn IsolationForest as plain lists, tree by tree."""


def forest_as_lists(forest):
    """The nodes of every tree as scikit-learn numbers them; a leaf has the children -1."""
    return {
        "n_features": int(forest.n_features_in_),
        "max_samples": int(forest.max_samples_),
        "trees": [tree_as_lists(estimator.tree_) for estimator in forest.estimators_],
    }


def tree_as_lists(tree):
    return {
        "children_left": tree.children_left.tolist(),
        "children_right": tree.children_right.tolist(),
        "feature": tree.feature.tolist(),
        "threshold": tree.threshold.tolist(),
        "n_node_samples": tree.n_node_samples.tolist(),
    }
