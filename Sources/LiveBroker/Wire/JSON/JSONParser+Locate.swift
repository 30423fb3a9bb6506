// SPDX-License-Identifier: Apache-2.0

extension WireError {
  /// The same error with the byte offset of the value that its path leads to, found by walking the
  /// frame once more: values do not remember where they came from, and errors are rare.
  func located(in bytes: UnsafeRawBufferPointer) -> WireError {
    guard offset == nil else { return self }
    var error = self
    var parser = JSONParser(bytes)
    parser.skipByteOrderMark()
    error.offset = try? parser.locate(Self.steps(of: path)[...])
    return error
  }

  fileprivate enum Step {
    case name(String)
    case element(Int)
  }

  private static func steps(of path: String) -> [Step] {
    path.split { $0 == "." || $0 == "[" }.map { step in
      guard step.last == "]" else { return .name(String(step)) }
      return .element(Int(step.dropLast()) ?? 0)
    }
  }
}

extension JSONParser {
  /// Offset of the value at the end of the path, or of the last value on the way that exists.
  fileprivate mutating func locate(_ steps: ArraySlice<WireError.Step>) throws(WireError) -> Int {
    skipWhitespace()
    let start = index
    guard let step = steps.first else { return start }
    var found: Int?
    switch step {
    case .element(let wanted):
      guard skip(UInt8(ascii: "[")) else { return start }
      for position in 0...wanted {
        skipWhitespace()
        found = position == wanted ? index : nil
        guard found == nil else { break }
        _ = try value()
        guard skip(UInt8(ascii: ",")) else { return start }
      }
    case .name(let wanted):
      guard skip(UInt8(ascii: "{")) else { return start }
      repeat {
        skipWhitespace()
        let name = try string()
        skipWhitespace()
        try expect(UInt8(ascii: ":"))
        skipWhitespace()
        // Of members with the same name the last one counts; null is as good as absent.
        let isNull = index < bytes.count && bytes[index] == UInt8(ascii: "n")
        if FieldName.matches(name, wanted), !isNull { found = index }
        _ = try value()
      } while skip(UInt8(ascii: ","))
    }
    guard let found else { return start }
    index = found
    return try locate(steps.dropFirst())
  }
}
