"""What tbcli is measured against: scripts as a user would write them."""
