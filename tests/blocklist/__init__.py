"""Tests of pytempo.blocklist."""
