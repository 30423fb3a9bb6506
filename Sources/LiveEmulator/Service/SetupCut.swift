// SPDX-License-Identifier: Apache-2.0

/// A setup message cut at its handle: what is around the handle is digested, so that a session whose
/// setup comes again, with a handle in it, is known without being parsed.
///
/// The cut is only trusted if the handle is one of ours and the digest is the one that this session
/// was set up with; anything else is parsed.
struct SetupCut {
  /// What stands where a handle belongs; empty for a setup without one.
  let handle: UnsafeRawBufferPointer
  let digest: UInt64

  /// Finds `"sessionResumption":{` and the handle that may follow. Inside a JSON string the quotes
  /// would be escaped, so the pattern can only be a member of some object.
  ///
  /// `lock` tells setups apart that are the same but for the token's lock.
  init?(_ message: UnsafeRawBufferPointer, lock: UInt64) {
    guard let open = Self.find(#""sessionResumption":{"#, in: message) else { return nil }
    let key: StaticString = #""handle":""#
    var start = open
    while start < message.count, message[start] != UInt8(ascii: "}"),
      !Self.matches(key, in: message, at: start)
    {
      start += 1
    }
    guard start < message.count else { return nil }
    var end = start
    if message[start] == UInt8(ascii: "}") {
      handle = UnsafeRawBufferPointer(start: nil, count: 0)
    } else {
      let first = start + key.utf8CodeUnitCount
      end = first
      while end < message.count, message[end] != UInt8(ascii: "\"") { end += 1 }
      guard end < message.count else { return nil }
      handle = UnsafeRawBufferPointer(rebasing: message[first..<end])
      end += 1
      // The comma goes with the handle, before or after it, so that the rest reads as without one.
      if message[start - 1] == UInt8(ascii: ",") {
        start -= 1
      } else if end < message.count, message[end] == UInt8(ascii: ",") {
        end += 1
      }
    }
    var digest = StreamDigest()
    digest.update(UnsafeRawBufferPointer(rebasing: message[..<start]))
    digest.update(UnsafeRawBufferPointer(rebasing: message[end...]))
    self.digest = digest.value ^ (lock &* 0x9E37_79B9_7F4A_7C15)
  }

  /// Where the text after `pattern` begins.
  private static func find(_ pattern: StaticString, in message: UnsafeRawBufferPointer) -> Int? {
    let length = pattern.utf8CodeUnitCount
    let second = pattern.utf8Start[1]
    var index = 0
    while index &+ length <= message.count {
      if message[index &+ 1] == second, matches(pattern, in: message, at: index) {
        return index &+ length
      }
      index &+= 1
    }
    return nil
  }

  private static func matches(
    _ pattern: StaticString, in message: UnsafeRawBufferPointer, at index: Int
  ) -> Bool {
    let length = pattern.utf8CodeUnitCount
    guard index &+ length <= message.count else { return false }
    var offset = 0
    while offset < length {
      guard message[index &+ offset] == pattern.utf8Start[offset] else { return false }
      offset &+= 1
    }
    return true
  }
}
