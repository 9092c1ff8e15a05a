import { expect, test } from "vitest";
import { readTags } from "./tags";
import { readKey, shortened } from "./key";
import { briefInterval, bytes, interval, readTime } from "./time";

test.each([
  [0, "0s"],
  [59, "59s"],
  [60, "1m 0s"],
  [3_661, "1h 1m 1s"],
  [93_784, "1d 2h 3m 4s"],
  [86_400, "1d 0h 0m 0s"],
])("%i seconds are %s", (seconds, text) => {
  expect(interval(seconds)).toBe(text);
});

test("brief intervals keep two units", () => {
  expect([briefInterval(93_784), briefInterval(3_600), briefInterval(5)]).toEqual(["1d 2h", "1h", "5s"]);
});

test("times of the API are UTC, and zero is none", () => {
  expect(readTime("2026-01-02 03:04:05")?.toISOString()).toBe("2026-01-02T03:04:05.000Z");
  expect(readTime("2026-01-02T03:04:05Z")?.toISOString()).toBe("2026-01-02T03:04:05.000Z");
  expect([readTime(""), readTime("0001-01-01T00:00:00Z")]).toEqual([undefined, undefined]);
});

test("sizes have a unit", () => {
  expect([bytes(0), bytes(10_239), bytes(10_240), bytes(20 * 2 ** 40)]).toEqual([
    "0 bytes",
    "10239 bytes",
    "10 KiB",
    "20 TiB",
  ]);
});

test("keys are read from their last colon", () => {
  expect(readKey("h:3306")).toEqual({ Hostname: "h", Port: 3306 });
  expect(readKey("fe80::1:3306")).toEqual({ Hostname: "fe80::1", Port: 3306 });
  for (const text of ["h", "h:", ":3306", "h:0", "h:99999", "h:x"]) expect(readKey(text)).toBeUndefined();
});

test("a removed text is no pattern, and only its first occurrence goes", () => {
  expect(shortened("db1.example.com.example.com:3306", ".example.com")).toBe("db1.example.com:3306");
  expect(shortened("db1:3306", ".")).toBe("db1:3306");
});

test("tags are found in the text of a topology", () => {
  const text =
    "db:3306   [0s,ok,8.0.36,rw,ROW,>>,GTID]\n+ db:3307 [0s,ok,8.0.36,ro,ROW,>>,GTID] [role=billing,x=y z]\n+ db:3308 [0s,ok,8.0.36,ro,ROW,>>,GTID] []";
  expect([...readTags(text)]).toEqual([["db:3307", ["role=billing", "x=y z"]]]);
  expect(readTags(null).size).toBe(0);
});
