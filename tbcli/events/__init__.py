"""From the bytes of event files to numbers: framing, checksums, and two ways to decode, a quick and a plain one."""
