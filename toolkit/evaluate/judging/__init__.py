"""Real searches, judged by people."""
