// For the compiler: what `expect` can do.
import 'nestjs-dispatcher/testing/vitest';
