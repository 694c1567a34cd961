export const PROGRAM_NAME = 'nestjs-dispatcher';
