import { expect, test } from 'vitest';
import { debianVersion } from './debian.mjs';

test('only Debian itself is Debian, by number where the release has one', () => {
  expect(debianVersion('NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n')).toBe('12');
  expect(debianVersion('NAME="Debian GNU/Linux"\nID=debian\n')).toBe('');
  expect(debianVersion('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n')).toBe(null);
  expect(debianVersion('')).toBe(null);
});
