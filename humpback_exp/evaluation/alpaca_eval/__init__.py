"""AlpacaEval's files and figures: answers, verdicts, win rates, and the length-controlled win rate of its second version."""
