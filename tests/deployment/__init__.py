"""The compose file and the systemd units, held against what they promise; neither Docker nor systemd has to run."""
