// SPDX-License-Identifier: Apache-2.0

extension FrameScanner {
  /// `{"functionCalls": [{"id": …, "name": …, "args": …}, …]}` with one call or more.
  mutating func toolCall(into toolCall: inout ToolCall) -> Bool {
    var seen = SeenFields()
    return object { scanner, name in
      guard "functionCalls" ~= name, seen.insert(1) else { return false }
      return scanner.list { scanner in
        var call = FunctionCall(name: "")
        guard scanner.functionCall(into: &call) else { return false }
        if toolCall.functionCalls.isEmpty {
          toolCall.functionCalls = [call]
        } else {
          toolCall.functionCalls.append(call)
        }
        return true
      }
    }
  }

  private mutating func functionCall(into call: inout FunctionCall) -> Bool {
    var seen = SeenFields()
    return object { scanner, name in
      switch name {
      case "name":
        guard seen.insert(1), let text = scanner.string() else { return false }
        call.name = text
        return true
      case "id":
        guard seen.insert(2), let id = scanner.string() else { return false }
        call.id = id
        return true
      case "args":
        // Message, toolCall, functionCalls and the call itself are open around it.
        guard seen.insert(4), let args = scanner.object(insideLevels: 4) else { return false }
        call.args = .object(args)
        return true
      default: return false
      }
    }
  }

  /// An object of any shape, as the full decoder reads it where so many levels are open around it.
  private mutating func object(insideLevels depth: Int) -> JSONObject? {
    skipWhitespace()
    guard index < bytes.count, bytes[index] == UInt8(ascii: "{") else { return nil }
    var parser = JSONParser(bytes, at: index, depth: depth)
    guard let object = try? parser.object() else { return nil }
    index = parser.index
    return object
  }

  /// `{"ids": […]}` with one id or more.
  mutating func cancellation(into cancellation: inout ToolCallCancellation) -> Bool {
    var seen = SeenFields()
    return object { scanner, name in
      guard "ids" ~= name, seen.insert(1) else { return false }
      return scanner.list { scanner in
        guard let id = scanner.string() else { return false }
        cancellation.ids.append(id)
        return true
      }
    }
  }
}
