/* The baseline of start-up rows: a static binary that does nothing. */
int main(void) { return 0; }
