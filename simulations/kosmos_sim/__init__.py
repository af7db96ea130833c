"""MuJoCo table-tops that train, test and judge: scenes, exact labels, referring expressions, an arm."""
