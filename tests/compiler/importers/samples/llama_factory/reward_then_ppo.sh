llamafactory-cli train --stage rm --model_name_or_path Qwen/Qwen2.5-7B-Instruct --finetuning_type lora \
    --dataset pairs --template qwen --cutoff_len 1024 --output_dir saves/reward --learning_rate 5e-5 --do_train true
llamafactory-cli train --stage ppo --model_name_or_path Qwen/Qwen2.5-7B-Instruct --finetuning_type lora \
    --reward_model saves/reward --dataset questions --template qwen --cutoff_len 2048 --max_new_tokens 256 \
    --ppo_epochs 2 --output_dir saves/ppo --learning_rate 1e-6 --do_train true
