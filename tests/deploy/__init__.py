"""Tests of docker/ and k8s/."""
