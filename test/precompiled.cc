// Nothing of its own: what every test includes, compiled once (see CMakeLists.txt).
int main() {}
