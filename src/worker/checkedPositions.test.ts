import { expect, test } from 'vitest';
import { checkedPositions } from './checkedPositions';

test('a case of at most 64 MB holds every logit', () => {
  expect(checkedPositions(60, 800)).toBeNull();
  expect(checkedPositions(100, 160_000)).toBeNull();
});

test('a larger one holds the last eight positions, by number', () => {
  expect(checkedPositions(101, 160_000)).toEqual([93, 94, 95, 96, 97, 98, 99, 100]);
  expect(checkedPositions(2000, 151_936)?.length).toBe(8);
});

test('a row shorter than that holds what it has', () => {
  expect(checkedPositions(3, 10_000_000)).toEqual([0, 1, 2]);
});
