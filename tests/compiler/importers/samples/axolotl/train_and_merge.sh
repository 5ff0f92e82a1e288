axolotl preprocess lora_chat.yaml
axolotl train lora_chat.yaml
axolotl merge-lora lora_chat.yaml
