// SPDX-License-Identifier: Apache-2.0

/// Lays JSON out over several lines, two spaces a level, with a line end: the real service's way.
struct JSONLayout {
  private var out: [UInt8] = []
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  /// Compact and valid JSON, laid out.
  static func lines(_ compact: [UInt8]) -> [UInt8] {
    var layout = JSONLayout()
    layout.out.reserveCapacity(compact.count * 2)
    var previous: UInt8 = 0
    for byte in compact {
      layout.isInString ? layout.string(byte) : layout.structure(byte, after: previous)
      previous = byte
    }
    layout.out.append(0x0A)
    return layout.out
  }

  private mutating func string(_ byte: UInt8) {
    out.append(byte)
    if isEscaped {
      isEscaped = false
    } else if byte == UInt8(ascii: "\\") {
      isEscaped = true
    } else {
      isInString = byte != UInt8(ascii: "\"")
    }
  }

  private mutating func structure(_ byte: UInt8, after previous: UInt8) {
    let opensEmpty = previous == UInt8(ascii: "{") || previous == UInt8(ascii: "[")
    switch byte {
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      depth -= 1
      if !opensEmpty { lineEnd() }
    default:
      if opensEmpty { lineEnd() }
    }
    out.append(byte)
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
    case UInt8(ascii: ","): lineEnd()
    case UInt8(ascii: ":"): out.append(0x20)
    case UInt8(ascii: "\""): isInString = true
    default: break
    }
  }

  private mutating func lineEnd() {
    out.append(0x0A)
    for _ in 0..<max(0, depth) { out.raw("  ") }
  }
}
