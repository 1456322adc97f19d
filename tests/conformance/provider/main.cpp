#include "agent/testing.h"

int main(int argc, char** argv) { return slipway::testing::main_with_agent(argc, argv); }
