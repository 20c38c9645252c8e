// Build-time tool: writes a file as a C++ array. embed INPUT OUTPUT
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream input(argv[1], std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(input)), std::istreambuf_iterator<char>());
  std::ofstream output(argv[2]);
  output << "#include \"plugins/sdk/package/stub_bytes.h\"\n\nnamespace osiris::sdk {\nnamespace {\nconst unsigned "
            "char kBytes[] = {";
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i % 24 == 0) output << '\n';
    output << static_cast<unsigned>(static_cast<unsigned char>(bytes[i])) << ',';
  }
  output << "};\n}\nconst char* const kStubBytes = reinterpret_cast<const char*>(kBytes);\nconst size_t kStubSize = "
            "sizeof kBytes;\n}\n";
  return bytes.empty() || !output ? 1 : 0;
}
