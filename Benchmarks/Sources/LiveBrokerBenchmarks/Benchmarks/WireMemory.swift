// SPDX-License-Identifier: Apache-2.0

import CHeapCensus
import LiveBroker

/// What frames made to be costly cost: bytes of the heap for each byte of the frame, while what was
/// decoded is held. A bound here is what keeps a peer from filling the memory with one small frame.
enum WireMemory {
  private static let frameBytes = 1 << 20

  /// Frames of a megabyte that say as much as they can in as few bytes as they can.
  private static let frames: [(title: String, bytes: [UInt8])] = [
    ("empty parts", frame(#"{"serverContent":{"modelTurn":{"parts":["#, "{}", "]}}}")),
    ("empty calls", frame(#"{"toolCall":{"functionCalls":["#, "{}", "]}}")),
    ("empty words", frame(#"{"serverContent":{"inputTranscription":{"words":["#, "{}", "]}}}")),
    ("nested unknown lists", frame(#"{"later":["#, "[[]]", "]}")),
    ("unknown objects", frame(#"{"later":["#, #"{"":0}"#, "]}")),
    ("unknown members", members()),
    ("one string", frame(#"{"later":[""#, "\\n", #""]}"#, separator: "")),
    ("refused ids", frame(#"{"toolCallCancellation":{"ids":["#, #""""#, ",7]}}")),
  ]

  static func measure() -> [Figure] {
    guard heap_bytes_in_use() >= 0 else { return [] }
    let costs = frames.map { (title: $0.title, cost: cost(of: $0.bytes)) }
    let worst = costs.max { $0.cost < $1.cost }
    return [
      Figure(
        "wire.memory", "memory of a frame made to be costly, at most", .ratio,
        [worst?.cost ?? 0], counter: .atMost(100),
        note: costs.map { "\($0.title) \(decimals($0.cost))" }.joined(separator: ", "))
    ]
  }

  private static func cost(of frame: [UInt8]) -> Double {
    let before = heap_bytes_in_use()
    let message = try? ServerMessage(decoding: frame)
    let after = heap_bytes_in_use()
    return withExtendedLifetime(message) { Double(after - before) / Double(frame.count) }
  }

  private static func frame(
    _ beginning: String, _ unit: String, _ end: String, separator: String = ","
  ) -> [UInt8] {
    var bytes = Array((beginning + unit).utf8)
    let next = Array((separator + unit).utf8)
    while bytes.count < frameBytes { bytes += next }
    return bytes + Array(end.utf8)
  }

  /// An object with as many names as fit.
  private static func members() -> [UInt8] {
    var bytes = Array(#"{"later":{"#.utf8)
    var number = 0
    while bytes.count < frameBytes {
      bytes += Array("\(number == 0 ? "" : ",")\"\(String(number, radix: 36))\":0".utf8)
      number += 1
    }
    return bytes + Array("}}".utf8)
  }
}
