// SPDX-License-Identifier: Apache-2.0

/// A frame that could not be read as a Live message.
///
/// It tells what kind of mistake, and where: by byte offset, and by field path for mistakes against
/// the protocol's schema. It never carries content of the frame; the path
/// names only fields that the schema knows, never keys that a peer made up.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong. New codes may appear in minor versions.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String {
      case unexpectedEnd, unexpectedByte, invalidString, invalidUTF8, invalidNumber, tooDeep
      case trailingBytes, typeMismatch, outOfRange, invalidBase64, invalidDuration
      case invalidTimestamp, notAnObject
    }
    private let name: Name
    /// The frame ends in the middle of a value, or is empty.
    public static let unexpectedEnd = Code(name: .unexpectedEnd)
    /// A byte stands where JSON does not allow it.
    public static let unexpectedByte = Code(name: .unexpectedByte)
    /// A string has a control character or an escape that JSON does not know.
    public static let invalidString = Code(name: .invalidString)
    /// A string is not UTF-8.
    public static let invalidUTF8 = Code(name: .invalidUTF8)
    /// A number is not spelled as JSON spells numbers, or is too large for a double.
    public static let invalidNumber = Code(name: .invalidNumber)
    /// Values are nested deeper than ``JSONValue/maximumDepth``.
    public static let tooDeep = Code(name: .tooDeep)
    /// Something follows the message.
    public static let trailingBytes = Code(name: .trailingBytes)
    /// A field has a value of another JSON type than the schema says.
    public static let typeMismatch = Code(name: .typeMismatch)
    /// A number does not fit the field's type.
    public static let outOfRange = Code(name: .outOfRange)
    /// A bytes field is neither standard nor URL-safe base64.
    public static let invalidBase64 = Code(name: .invalidBase64)
    /// A duration is not spelled as protobuf JSON spells durations.
    public static let invalidDuration = Code(name: .invalidDuration)
    /// A timestamp is not RFC 3339.
    public static let invalidTimestamp = Code(name: .invalidTimestamp)
    /// The frame holds JSON, but not an object.
    public static let notAnObject = Code(name: .notAnObject)
    /// The name of the code.
    public var description: String { name.rawValue }
  }

  /// What went wrong.
  public var code: Code
  /// Bytes before the mistake, or before the value that is wrong. Nil where a value did not come
  /// from bytes.
  public var offset: Int?
  /// Field path of a mistake against the schema, such as `serverContent.modelTurn.parts[0]`;
  /// empty at the top and for mistakes of JSON itself.
  public var path: String

  /// Makes an error from its parts.
  public init(_ code: Code, offset: Int? = nil, path: String = "") {
    self.code = code
    self.offset = offset
    self.path = path
  }

  /// The same error seen from the object that holds `field`.
  func within(_ field: String) -> WireError {
    var error = self
    let separator = path.isEmpty || path.hasPrefix("[") ? "" : "."
    error.path = field + separator + path
    return error
  }

  /// The same error seen from the array that holds the element at `index`.
  func within(index: Int) -> WireError { within("[\(index)]") }

  /// Code, offset and path; nothing of the frame.
  public var description: String {
    let place = offset.map { " at byte \($0)" } ?? ""
    return "WireError(\(code)\(place)\(path.isEmpty ? "" : " in \(path)"))"
  }
}
